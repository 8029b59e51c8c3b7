package dev.heddle.core.tensor;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import org.jspecify.annotations.Nullable;

/**
 * Asks the kernel for pages of 2 MB below large buffers: decode attention reads a cache once per step, far apart, and
 * with pages of 4 kB waits for address translation a third of its time. Linux gives them to who asks (madvise(2),
 * {@code transparent_hugepage=madvise}, the usual setting).
 *
 * <p>Only where this module may call native code; elsewhere buffers lie on small pages, and nothing is printed.
 */
final class LargePages {
    static final long PAGE = 2L << 20;
    private static final long WORTH_IT = 4 * PAGE;
    private static final int DONT_NEED = 4; // MADV_DONTNEED
    private static final int HUGE_PAGE = 14; // MADV_HUGEPAGE

    private LargePages() {}

    /** Returns the alignment with which to allocate so many bytes. */
    static long alignment(long byteSize, long byteAlignment) {
        return byteSize >= WORTH_IT && Holder.MADVISE != null ? Math.max(PAGE, byteAlignment) : byteAlignment;
    }

    /**
     * Moves new memory to large pages.
     *
     * @param zeros anonymous native memory that holds zeros: its small pages are given back, and large ones, zeroed
     *     too, come at the first touch
     */
    static void advise(MemorySegment zeros) {
        MethodHandle madvise = Holder.MADVISE;
        long whole = zeros.byteSize() / PAGE * PAGE;
        if (madvise == null || whole < WORTH_IT || zeros.address() % PAGE != 0) {
            return;
        }
        try {
            // A kernel without large pages refuses the first: then the small ones stay.
            if ((int) madvise.invokeExact(zeros.address(), whole, HUGE_PAGE) == 0) {
                int unused = (int) madvise.invokeExact(zeros.address(), whole, DONT_NEED);
            }
        } catch (Throwable e) { // checked by its type only: a downcall throws nothing
            throw new IllegalStateException("madvise failed", e);
        }
    }

    private static final class Holder {
        static final @Nullable MethodHandle MADVISE = find();

        @SuppressWarnings("restricted") // called only where it is allowed
        private static @Nullable MethodHandle find() {
            if (!System.getProperty("os.name").equals("Linux")
                    || !LargePages.class.getModule().isNativeAccessEnabled()) {
                return null;
            }
            Linker linker = Linker.nativeLinker();
            FunctionDescriptor type = FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT);
            return linker.defaultLookup().find("madvise").map(at -> linker.downcallHandle(at, type))
                    .orElse(null);
        }
    }
}
