package dev.heddle.backend.opencl.device;

import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.lwjgl.opencl.CL;
import org.lwjgl.system.APIUtil;
import org.lwjgl.system.Configuration;
import org.lwjgl.system.FunctionProviderLocal;
import org.lwjgl.system.MemoryUtil;
import org.lwjgl.system.SharedLibrary;

/**
 * Finds OpenCL's library and hands it to LWJGL, once for the process. LWJGL by itself would look for {@code
 * libOpenCL.so}, which only development packages install.
 *
 * @param name the library that was loaded; null if there is none
 * @param problem why there is none, as a clause; null if there is one
 * @param remedy what to do about it; null if there is one
 * @param cause the failure behind it
 */
record OpenClLibrary(@Nullable String name, @Nullable String problem, @Nullable String remedy,
        @Nullable Throwable cause) {
    /** System property with a library's name or path; nothing else is tried then. */
    static final String PROPERTY = "heddle.opencl";

    /** Environment variable that means the same where the property is not set. */
    static final String VARIABLE = "HEDDLE_OPENCL";

    // The last is a vendor's own, for machines whose driver came without the loader.
    private static final List<String> CANDIDATES =
            List.of("libOpenCL.so.1", "libOpenCL.so", "libnvidia-opencl.so.1");

    /** Loaded when it is first asked for; kept, since a second attempt would meet classes that failed to load. */
    private static final class Loaded {
        static final OpenClLibrary LIBRARY = load(System::getProperty, System::getenv);
    }

    /** Returns the process's library. */
    static OpenClLibrary get() {
        return Loaded.LIBRARY;
    }

    boolean isPresent() {
        return name != null;
    }

    private static OpenClLibrary absent(String problem, String remedy, @Nullable Throwable cause) {
        return new OpenClLibrary(null, problem, remedy, cause);
    }

    /** Returns the names to try, in their order. */
    static List<String> candidates(UnaryOperator<String> properties, UnaryOperator<String> environment) {
        for (String named : new String[]{properties.apply(PROPERTY), environment.apply(VARIABLE)}) {
            if (named != null && !named.isBlank()) {
                return List.of(named);
            }
        }
        return CANDIDATES;
    }

    private static OpenClLibrary load(UnaryOperator<String> properties, UnaryOperator<String> environment) {
        List<String> candidates = candidates(properties, environment);
        try {
            Configuration.OPENCL_EXPLICIT_INIT.set(true); // before the class CL is touched
            return load(candidates);
        } catch (LinkageError e) { // LWJGL's own native part, or one of its classes after that failed
            return absent("the binding to OpenCL cannot be loaded on " + System.getProperty("os.name") + " "
                    + System.getProperty("os.arch") + ": " + e.getMessage(),
                    OpenClLibrary.class.getModule().isNamed()
                            ? "start the JVM with --add-modules org.lwjgl.natives"
                                    + " --enable-native-access=org.lwjgl,dev.heddle.backend.opencl"
                            : "check that the temporary folder allows files to be executed",
                    e);
        }
    }

    private static OpenClLibrary load(List<String> candidates) {
        if (created()) {
            return new OpenClLibrary(String.valueOf(CL.getFunctionProvider()), null, null, null);
        }
        List<String> tried = new ArrayList<>();
        Throwable last = null;
        for (String candidate : candidates) {
            try {
                SharedLibrary library = APIUtil.apiCreateLibrary(candidate);
                FunctionProviderLocal functions = functions(library);
                if (functions == null) {
                    tried.add(candidate + " (which is no OpenCL library, or has no platform)");
                    library.free();
                    continue;
                }
                CL.create(functions);
                return new OpenClLibrary(candidate, null, null, null);
            } catch (UnsatisfiedLinkError e) {
                tried.add(candidate);
                last = e;
            }
        }
        return absent("OpenCL's library was not found: tried " + String.join(", ", tried),
                "install the OpenCL loader (Debian: ocl-icd-libopencl1) and a driver (pocl-opencl-icd for the CPU),"
                        + " or name a library in " + VARIABLE,
                last);
    }

    private static boolean created() {
        try {
            CL.getFunctionProvider(); // by the program that embeds Heddle
            return true;
        } catch (IllegalStateException e) {
            return false;
        }
    }

    private static @Nullable FunctionProviderLocal functions(SharedLibrary library) {
        return library.getFunctionAddress("clGetPlatformIDs") != MemoryUtil.NULL
                && library.getFunctionAddress("clEnqueueNDRangeKernel") != MemoryUtil.NULL
                        ? new LoaderLibrary(library) : VendorLibrary.of(library);
    }
}
