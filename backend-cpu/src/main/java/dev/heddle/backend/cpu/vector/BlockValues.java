package dev.heddle.backend.cpu.vector;

import dev.heddle.core.tensor.DataType;
import java.lang.foreign.MemorySegment;

/** Chooses the loop that adds p·v of up to four tokens to the accumulator rows of a block of one to four heads. */
final class BlockValues {
    private static final int LANES = Lanes.FLOATS.length();
    private static final boolean WIDE = LANES == 16;

    private BlockValues() {}

    /** Elements of a row that a block takes at a time: as many accumulators as there are registers. */
    private static int columns(int heads) {
        return heads == 1 ? 8 * LANES : heads == 2 || WIDE ? 4 * LANES : 2 * LANES;
    }

    /**
     * Adds the slots {@code from .. end}, of one quarter of a tile.
     *
     * @param head where the KV head lies in a row, in bytes
     * @param at where the block's weights begin
     * @param to where its first accumulator row begins
     */
    static void add(MemorySegment v, DataType stored, long[] rows, long head, int from, int end, float[] p,
            int at, float[] acc, int to, int dim, int heads) {
        int columns = columns(heads);
        boolean bf16 = stored == DataType.BF16;
        long size = stored.byteSize();
        int d = 0;
        if (columns > 2 * LANES) {
            for (; d + columns <= dim; d += columns) {
                long column = head + size * d;
                if (bf16) {
                    bf16(v, rows, column, from, end, p, at, acc, to + d, dim, heads);
                } else {
                    f32(v, rows, column, from, end, p, at, acc, to + d, dim, heads);
                }
            }
        }
        for (; d < dim; d += 2 * LANES) {
            if (bf16) {
                bf16ByTwo(v, rows, head + size * d, from, end, p, at, acc, to + d, dim, heads);
            } else {
                f32ByTwo(v, rows, head + size * d, from, end, p, at, acc, to + d, dim, heads);
            }
        }
    }

    private static void bf16(MemorySegment v, long[] rows, long column, int from, int end, float[] p, int at,
            float[] acc, int to, int dim, int heads) {
        switch (heads) {
            case 4 -> Bf16Values.fourByFour(v, rows, column, from, end, p, at, acc, to, dim);
            case 3 -> Bf16Values.threeByFour(v, rows, column, from, end, p, at, acc, to, dim);
            case 2 -> Bf16Values.twoByFour(v, rows, column, from, end, p, at, acc, to, dim);
            default -> Bf16Values.oneByEight(v, rows, column, from, end, p, at, acc, to, dim);
        }
    }

    private static void bf16ByTwo(MemorySegment v, long[] rows, long column, int from, int end, float[] p,
            int at,
            float[] acc, int to, int dim, int heads) {
        switch (heads) {
            case 4 -> Bf16Values.fourByTwo(v, rows, column, from, end, p, at, acc, to, dim);
            case 3 -> Bf16Values.threeByTwo(v, rows, column, from, end, p, at, acc, to, dim);
            case 2 -> Bf16Values.twoByTwo(v, rows, column, from, end, p, at, acc, to, dim);
            default -> Bf16Values.oneByTwo(v, rows, column, from, end, p, at, acc, to, dim);
        }
    }

    private static void f32(MemorySegment v, long[] rows, long column, int from, int end, float[] p, int at,
            float[] acc, int to, int dim, int heads) {
        switch (heads) {
            case 4 -> F32Values.fourByFour(v, rows, column, from, end, p, at, acc, to, dim);
            case 3 -> F32Values.threeByFour(v, rows, column, from, end, p, at, acc, to, dim);
            case 2 -> F32Values.twoByFour(v, rows, column, from, end, p, at, acc, to, dim);
            default -> F32Values.oneByEight(v, rows, column, from, end, p, at, acc, to, dim);
        }
    }

    private static void f32ByTwo(MemorySegment v, long[] rows, long column, int from, int end, float[] p,
            int at,
            float[] acc, int to, int dim, int heads) {
        switch (heads) {
            case 4 -> F32Values.fourByTwo(v, rows, column, from, end, p, at, acc, to, dim);
            case 3 -> F32Values.threeByTwo(v, rows, column, from, end, p, at, acc, to, dim);
            case 2 -> F32Values.twoByTwo(v, rows, column, from, end, p, at, acc, to, dim);
            default -> F32Values.oneByTwo(v, rows, column, from, end, p, at, acc, to, dim);
        }
    }
}
