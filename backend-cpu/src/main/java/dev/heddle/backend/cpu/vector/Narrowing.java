package dev.heddle.backend.cpu.vector;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/** f32 to stored elements, rounded to nearest, ties to even. Loops return how many elements they stored. */
final class Narrowing {
    private static final VectorSpecies<Float> F = Lanes.FLOATS;
    private static final VectorSpecies<Short> S =
            VectorSpecies.of(short.class, VectorShape.forBitSize(F.vectorBitSize() / 2));
    private static final int LANES = F.length();
    private static final ByteOrder ORDER = ByteOrder.nativeOrder();

    private Narrowing() {}

    static int f32(float[] values, int offset, int count, MemorySegment target, long at) {
        for (int i = 0; i < count; i += LANES) {
            FloatVector.fromArray(F, values, offset + i).intoMemorySegment(target, at + 4L * i, ORDER);
        }
        return count;
    }

    /** As {@code DataType.BF16} does: a NaN stays one even when only low bits of its mantissa are set. */
    static int bf16(float[] values, int offset, int count, MemorySegment target, long at) {
        for (int i = 0; i < count; i += LANES) {
            FloatVector value = FloatVector.fromArray(F, values, offset + i);
            VectorMask<Integer> nan = value.test(VectorOperators.IS_NAN).cast(Lanes.INTS);
            IntVector bits = value.reinterpretAsInts();
            IntVector upper = bits.lanewise(VectorOperators.LSHR, 16);
            IntVector rounded =
                    bits.add(upper.and(1)).add(0x7FFF).lanewise(VectorOperators.LSHR, 16)
                            .blend(upper.or(0x0040), nan);
            ((ShortVector) rounded.convertShape(VectorOperators.I2S, S, 0))
                    .intoMemorySegment(target, at + 2L * i, ORDER);
        }
        return count;
    }
}
