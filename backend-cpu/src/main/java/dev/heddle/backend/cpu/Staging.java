package dev.heddle.backend.cpu;

import dev.heddle.backend.cpu.kernel.InnerLoops;
import dev.heddle.core.cache.KvPlane;
import dev.heddle.core.page.PageTable;
import dev.heddle.core.tensor.DataType;
import dev.heddle.core.tensor.HostTensors;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Brings rows that the decode loops cannot read where they are stored into native memory, widened and padded. */
final class Staging {
    private final PageTable pages;
    private final int pageSize;
    private final InnerLoops loops;

    Staging(PageTable pages, int pageSize, InnerLoops loops) {
        this.pages = pages;
        this.pageSize = pageSize;
        this.loops = loops;
    }

    /**
     * Copies or widens the rows of some slots of a tile, one after the other from the beginning of the memory.
     *
     * @param wide scratch of a token's rows
     * @param target where they go
     * @param rows takes where each slot's rows begin; slots without a token begin at 0
     * @param spread the tile's tokens if they are spread over its slots, else 0
     */
    void bring(KvPlane plane, DataType read, Scratch scratch, float[] wide, MemorySegment target, long[] rows,
            int dim, int request, int headFrom, int headTo, int token, int count, int spread, int from,
            int end) {
        int padded = Scratch.padded(dim);
        int heads = headTo - headFrom;
        long rowBytes = (long) padded * read.byteSize();
        long step = plane.strides().head() * plane.dtype().byteSize();
        boolean oneRow = plane.dtype() != read && dim == padded && plane.strides().head() == dim;
        for (int slot = from; slot < end; slot++) {
            int i = DecodeKernel.slot(slot, spread); // spreading is its own inverse
            if (i >= count) {
                rows[slot] = 0;
                continue;
            }
            long to = (slot - from) * rowBytes * heads;
            rows[slot] = to;
            int page = pages.pageOf(request, token + i);
            MemorySegment source = HostTensors.segment(plane.segmentOf(page));
            long at = plane.byteOffset(page, (token + i) % pageSize, headFrom);
            if (oneRow) { // heads side by side
                loops.widen(source, at, plane.dtype(), wide, 0, heads * dim, scratch.halves);
                MemorySegment.copy(wide, 0, target, ValueLayout.JAVA_FLOAT, to, heads * dim);
                continue;
            }
            for (int head = 0; head < heads; head++, at += step, to += rowBytes) {
                if (plane.dtype() == read && dim == padded) {
                    MemorySegment.copy(source, at, target, to, rowBytes);
                    continue;
                }
                loops.widen(source, at, plane.dtype(), wide, 0, dim, scratch.halves);
                for (int d = dim; d < padded; d++) {
                    wide[d] = 0;
                }
                MemorySegment.copy(wide, 0, target, ValueLayout.JAVA_FLOAT, to, padded);
            }
        }
    }
}
