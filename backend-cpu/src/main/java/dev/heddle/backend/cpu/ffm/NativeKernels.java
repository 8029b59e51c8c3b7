package dev.heddle.backend.cpu.ffm;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** The library of kernels in C, loaded once from the jar that holds it. */
public final class NativeKernels {
    /** System property: the best instruction set to use, an {@link InstructionSet#id()}. */
    public static final String LIMIT = "dev.heddle.cpu.native.isa";

    private static final String RESOURCE = "linux-x86_64.so";

    private final InstructionSet set;
    private final MethodHandle decode;
    private final MethodHandle fold;
    private final MethodHandle finish;
    private final MethodHandle scratch;
    private final MethodHandle prefill;
    private final MethodHandle prefillScratch;

    private NativeKernels(InstructionSet set, MethodHandle decode, MethodHandle fold, MethodHandle finish,
            MethodHandle scratch, MethodHandle prefill, MethodHandle prefillScratch) {
        this.set = set;
        this.decode = decode;
        this.fold = fold;
        this.finish = finish;
        this.scratch = scratch;
        this.prefill = prefill;
        this.prefillScratch = prefillScratch;
    }

    /**
     * Returns the kernels.
     *
     * @throws NoKernelsException if there are none for this machine and this JVM
     */
    public static NativeKernels get() {
        if (Holder.KERNELS == null) {
            throw new NoKernelsException(Holder.PROBLEM, Holder.REMEDY);
        }
        return Holder.KERNELS;
    }

    /** Returns what they run with. */
    public InstructionSet instructionSet() {
        return set;
    }

    /** Returns the bytes of scratch of a run of tokens with so many heads, aligned to 64. */
    long scratchBytes(int heads, int group, int dimQk, int dimVo) {
        try {
            return (long) scratch.invokeExact(heads, group, dimQk, dimVo);
        } catch (Throwable e) { // a downcall throws nothing of its own
            throw new IllegalStateException("heddle_scratch failed", e);
        }
    }

    /** Runs a {@link DecodeCall}. */
    void decode(MemorySegment k, MemorySegment v, MemorySegment q, MemorySegment call) {
        try {
            decode.invokeExact(k, v, q, call, set.ordinal());
        } catch (Throwable e) {
            throw new IllegalStateException("heddle_decode failed", e);
        }
    }

    /** Folds the states of a {@link ResultCall}. */
    void fold(MemorySegment call) {
        try {
            fold.invokeExact(call);
        } catch (Throwable e) {
            throw new IllegalStateException("heddle_fold failed", e);
        }
    }

    /** Writes the rows of a {@link ResultCall}. */
    void finish(MemorySegment out, MemorySegment call) {
        try {
            finish.invokeExact(out, call);
        } catch (Throwable e) {
            throw new IllegalStateException("heddle_finish failed", e);
        }
    }

    /** Returns the bytes of scratch of so many rows of queries, aligned to 64. */
    long prefillScratchBytes(int rows, int dimQk, int dimVo) {
        try {
            return (long) prefillScratch.invokeExact(rows, dimQk, dimVo);
        } catch (Throwable e) {
            throw new IllegalStateException("heddle_prefill_scratch failed", e);
        }
    }

    /** Runs a {@link PrefillCall}. */
    void prefill(MemorySegment k, MemorySegment v, MemorySegment call) {
        try {
            prefill.invokeExact(k, v, call, set.ordinal());
        } catch (Throwable e) {
            throw new IllegalStateException("heddle_prefill failed", e);
        }
    }

    private static final class Holder {
        static final @Nullable NativeKernels KERNELS;
        static final String PROBLEM;
        static final String REMEDY;

        static {
            NativeKernels kernels = null;
            String problem = "";
            String remedy = "";
            try {
                kernels = load();
            } catch (NoKernelsException e) {
                problem = e.problem();
                remedy = e.remedy();
            }
            KERNELS = kernels;
            PROBLEM = problem;
            REMEDY = remedy;
        }

        @SuppressWarnings("restricted") // asked before
        private static NativeKernels load() {
            Module module = NativeKernels.class.getModule();
            if (!module.isNativeAccessEnabled()) {
                String name = module.isNamed() ? module.getName() : "ALL-UNNAMED";
                throw new NoKernelsException("this JVM does not let it call native code",
                        "start the JVM with --enable-native-access=" + name);
            }
            Linker linker = Linker.nativeLinker();
            SymbolLookup library = SymbolLookup.libraryLookup(unpack(), Arena.global());
            MethodHandle features = handle(linker, library, "heddle_features",
                    FunctionDescriptor.of(ValueLayout.JAVA_INT));
            InstructionSet best;
            try {
                best = InstructionSet.values()[(int) features.invokeExact()];
            } catch (Throwable e) {
                throw new IllegalStateException("heddle_features failed", e);
            }
            InstructionSet set = limited(best);
            if (set == InstructionSet.NONE) {
                throw new NoKernelsException("this CPU lacks AVX2, FMA or F16C", "use backend cpu");
            }
            MemoryLayout pointer = ValueLayout.ADDRESS;
            return new NativeKernels(set,
                    handle(linker, library, "heddle_decode",
                            FunctionDescriptor.ofVoid(pointer, pointer, pointer, pointer,
                                    ValueLayout.JAVA_INT)),
                    handle(linker, library, "heddle_fold", FunctionDescriptor.ofVoid(pointer)),
                    handle(linker, library, "heddle_finish", FunctionDescriptor.ofVoid(pointer, pointer)),
                    handle(linker, library, "heddle_scratch",
                            FunctionDescriptor.of(ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT,
                                    ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT)),
                    handle(linker, library, "heddle_prefill",
                            FunctionDescriptor.ofVoid(pointer, pointer, pointer, ValueLayout.JAVA_INT)),
                    handle(linker, library, "heddle_prefill_scratch",
                            FunctionDescriptor.of(ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT,
                                    ValueLayout.JAVA_INT, ValueLayout.JAVA_INT)));
        }

        private static InstructionSet limited(InstructionSet best) {
            String limit = System.getProperty(LIMIT);
            if (limit == null) {
                return best;
            }
            for (InstructionSet set : InstructionSet.values()) {
                if (set.id().equals(limit.toLowerCase(Locale.ROOT))) {
                    return set.compareTo(best) < 0 ? set : best;
                }
            }
            throw new NoKernelsException("system property " + LIMIT + " is '" + limit + "'",
                    "allowed are avx2, avx512, avx512_bf16 and amx");
        }

        @SuppressWarnings("restricted")
        private static MethodHandle handle(Linker linker, SymbolLookup library, String name,
                FunctionDescriptor type) {
            return linker.downcallHandle(library.findOrThrow(name), type);
        }

        /** Copies the library out of the jar: a file is what the system can load. */
        private static Path unpack() {
            String system = System.getProperty("os.name") + " on " + System.getProperty("os.arch");
            if (!system.equals("Linux on amd64")) {
                throw new NoKernelsException("its kernels are for Linux on amd64, this is " + system,
                        "use backend cpu");
            }
            try (InputStream packed = NativeKernels.class.getResourceAsStream(RESOURCE)) {
                if (packed == null) {
                    throw new NoKernelsException("this jar was built without a C compiler",
                            "build it where gcc is installed, or use backend cpu");
                }
                Path file = Files.createTempFile("heddle-cpu-", ".so");
                file.toFile().deleteOnExit();
                Files.copy(packed, file, StandardCopyOption.REPLACE_EXISTING);
                return file;
            } catch (IOException e) {
                throw new NoKernelsException(
                        "its library cannot be written to a temporary file: " + e.getMessage(),
                        "name a writable folder with -Djava.io.tmpdir");
            }
        }
    }
}
