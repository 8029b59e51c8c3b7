package dev.heddle.backend.cpu.vector;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.heddle.core.tensor.DataType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Every bit pattern widens to what {@link DataType#decode} says, the sign of zero and subnormals included. */
class WideningTest {
    private static final VectorLoops LOOPS = new VectorLoops();
    private static final float UNTOUCHED = 12345.678f;

    private static int[] patterns(DataType dtype) {
        if (dtype == DataType.F32) {
            return new Random(1).ints(1 << 16).toArray();
        }
        int[] patterns = new int[1 << 8 * dtype.byteSize()];
        Arrays.setAll(patterns, i -> i);
        return patterns;
    }

    private static void store(MemorySegment target, DataType dtype, long at, int bits) {
        switch (dtype.byteSize()) {
            case 4 -> target.set(ValueLayout.JAVA_INT_UNALIGNED, at, bits);
            case 2 -> target.set(ValueLayout.JAVA_SHORT_UNALIGNED, at, (short) bits);
            default -> target.set(ValueLayout.JAVA_BYTE, at, (byte) bits);
        }
    }

    @ParameterizedTest
    @EnumSource(DataType.class)
    void everyPatternWidensExactly(DataType dtype) {
        int[] patterns = patterns(dtype);
        int size = dtype.byteSize();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment source = arena.allocate((long) patterns.length * size);
            for (int i = 0; i < patterns.length; i++) {
                store(source, dtype, (long) i * size, patterns[i]);
            }
            float[] got = new float[patterns.length];
            for (int row = 0; row < patterns.length; row += 256) {
                LOOPS.widen(source, (long) row * size, dtype, got, row, 256, new short[256]);
            }
            for (int i = 0; i < patterns.length; i++) {
                float wanted = dtype.decode(patterns[i]);
                int bits = patterns[i];
                // floatToIntBits makes all NaN one and tells 0 from -0
                assertEquals(Float.floatToIntBits(wanted), Float.floatToIntBits(got[i]),
                        () -> dtype.id() + " 0x" + Integer.toHexString(bits) + " is " + wanted);
            }
        }
    }

    /** Rows end anywhere: no element outside is read (that would throw here) nor written. */
    @ParameterizedTest
    @EnumSource(DataType.class)
    void rowsOfAnyLengthAtAnyByteStayWithinBounds(DataType dtype) {
        Random random = new Random(2);
        for (int count = 1; count <= 72; count++) {
            for (int misaligned = 0; misaligned < 4; misaligned++) {
                byte[] bytes = new byte[misaligned + count * dtype.byteSize()];
                random.nextBytes(bytes);
                MemorySegment source = MemorySegment.ofArray(bytes);
                float[] wanted = new float[count + 37];
                Arrays.fill(wanted, UNTOUCHED);
                for (int i = 0; i < count; i++) {
                    long at = misaligned + (long) i * dtype.byteSize();
                    wanted[5 + i] = dtype.decode(switch (dtype.byteSize()) {
                        case 4 -> source.get(ValueLayout.JAVA_INT_UNALIGNED, at);
                        case 2 -> source.get(ValueLayout.JAVA_SHORT_UNALIGNED, at);
                        default -> source.get(ValueLayout.JAVA_BYTE, at);
                    });
                }
                float[] got = new float[wanted.length];
                Arrays.fill(got, UNTOUCHED);
                LOOPS.widen(source, misaligned, dtype, got, 5, count, new short[count]);
                assertArrayEquals(wanted, got, dtype.id() + " x " + count);
            }
        }
    }
}
