package dev.heddle.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;

class LaunchArgumentsTest {
    @Test
    void valuesLieWhereTheKernelReadsThemAndTheRestIsZero() {
        LaunchArguments arguments = new LaunchArguments(32);
        MemorySegment bytes = arguments.bytes();
        assertEquals(32, arguments.byteSize());
        assertEquals(-1, MemorySegment.ofArray(new byte[32]).mismatch(bytes));
        arguments.putLong(0, 0x1122334455667788L);
        arguments.putInt(8, -2);
        arguments.putFloat(12, 0.125f);
        arguments.putLong(16, -1);
        assertEquals(0x1122334455667788L, bytes.get(ValueLayout.JAVA_LONG, 0));
        assertEquals((byte) 0x88, bytes.get(ValueLayout.JAVA_BYTE, 0), "little-endian, as the device is");
        assertEquals(-2, bytes.get(ValueLayout.JAVA_INT, 8));
        assertEquals(Float.floatToRawIntBits(0.125f), bytes.get(ValueLayout.JAVA_INT, 12));
        assertEquals(-1, bytes.get(ValueLayout.JAVA_LONG, 16));
        assertEquals(0, bytes.get(ValueLayout.JAVA_LONG, 24));
    }

    @Test
    void nothingIsWrittenBeyondTheStruct() {
        LaunchArguments arguments = new LaunchArguments(12);
        assertThrows(IndexOutOfBoundsException.class, () -> arguments.putInt(12, 1));
        assertThrows(IndexOutOfBoundsException.class, () -> arguments.putLong(8, 1));
        assertThrows(IndexOutOfBoundsException.class, () -> arguments.putFloat(-4, 1));
    }

    @Test
    void pointersAreMadeOnce() {
        try (LaunchArguments arguments = new LaunchArguments(8)) {
            assertEquals(arguments.pointers(), arguments.pointers());
            arguments.putInt(4, 77);
            assertEquals(77, arguments.getInt(4));
            arguments.close(); // a second close, by the block, frees nothing twice
        }
    }
}
