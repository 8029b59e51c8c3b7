package dev.heddle.backend.opencl;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.backend.opencl.device.MappedBuffer;
import dev.heddle.backend.opencl.device.OpenClBuffer;
import dev.heddle.backend.opencl.device.OpenClDevices;
import dev.heddle.backend.opencl.device.OpenClMemorySpace;
import dev.heddle.backend.opencl.device.OpenClQueue;
import dev.heddle.core.tensor.OutOfDeviceMemoryException;
import dev.heddle.core.tensor.QueueEvent;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

@OnOpenCl
class MemorySpaceTest {
    private OpenClMemorySpace space;

    @BeforeEach
    void open() {
        space = new OpenClMemorySpace(
                ((OpenClDevices.Probe.Found) OpenClDevices.probe()).devices().getFirst());
    }

    @AfterEach
    void close() {
        space.close();
    }

    private static int[] numbers(int count) {
        return IntStream.range(0, count).map(i -> i * 7 + 1).toArray();
    }

    private int[] read(OpenClBuffer buffer, int ints) {
        int[] values = new int[ints];
        space.copyToHost(buffer, 0, MemorySegment.ofArray(values), space.defaultQueue());
        return values;
    }

    @Test
    void bytesComeBackAsTheyWent() {
        int[] numbers = numbers(1000);
        try (OpenClBuffer first = space.allocate(4000, 64); OpenClBuffer second = space.allocate(4000, 64)) {
            space.copyFromHost(MemorySegment.ofArray(numbers), first, 0, space.defaultQueue());
            space.copy(first, 0, second, 0, 4000, space.defaultQueue());
            assertArrayEquals(numbers, read(second, 1000));
            space.fill(second, 4, 8, (byte) 0, space.defaultQueue());
            int[] after = read(second, 1000);
            assertEquals(numbers[0], after[0]);
            assertEquals(0, after[1]);
            assertEquals(0, after[2]);
            assertEquals(numbers[3], after[3]);
            assertThrows(IndexOutOfBoundsException.class,
                    () -> space.copy(first, 8, second, 0, 4000, space.defaultQueue()));
        }
    }

    @Test
    void mappedBufferIsTheBuffer() {
        try (OpenClBuffer buffer = space.allocate(400, 64)) {
            MemorySegment kept;
            try (MappedBuffer mapped = space.map(buffer, space.defaultQueue())) {
                kept = mapped.segment();
                MemorySegment.copy(numbers(100), 0, kept, ValueLayout.JAVA_INT, 0, 100);
            }
            assertThrows(IllegalStateException.class, () -> kept.get(ValueLayout.JAVA_INT, 0));
            assertArrayEquals(numbers(100), read(buffer, 100));
        }
    }

    @Test
    void wrappedHostMemoryIsNotCopied() {
        if (!space.device().sharesHostMemory()) {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment memory = arena.allocate(4096, 4096);
                assertThrows(UnsupportedOperationException.class, () -> space.wrap(memory));
            }
            return;
        }
        try (Arena arena = Arena.ofShared()) {
            MemorySegment memory = arena.allocate(4096, 4096);
            try (OpenClBuffer buffer = space.wrap(memory)) {
                space.copyFromHost(MemorySegment.ofArray(numbers(1024)), buffer, 0, space.defaultQueue());
                try (MappedBuffer mapped = space.map(buffer, space.defaultQueue())) {
                    assertEquals(memory.address(), mapped.segment().address());
                }
                space.defaultQueue().synchronize();
                assertArrayEquals(numbers(1024), memory.toArray(ValueLayout.JAVA_INT));
            }
            assertThrows(IllegalArgumentException.class, () -> space.wrap(memory.asSlice(4)));
            assertThrows(IllegalArgumentException.class, () -> space.wrap(MemorySegment.ofArray(new int[4])));
        }
    }

    @Test
    void bufferBeyondTheDevicesLimitIsRefusedInWords() {
        long tooMuch = space.device().largestBuffer() + 1;
        OutOfDeviceMemoryException refused =
                assertThrows(OutOfDeviceMemoryException.class, () -> space.allocate(tooMuch, 64));
        assertTrue(refused.getMessage().contains(space.device().largestBuffer() + " bytes in one buffer")
                && refused.getMessage().contains("several segments"), refused.getMessage());
        assertEquals(tooMuch, refused.requestedBytes());
    }

    @Test
    void memoryInUseIsCountedAndGivenBack() {
        long whole = space.device().memoryBytes();
        long piece = Math.min(space.device().largestBuffer(), whole / 4);
        OpenClBuffer[] all = new OpenClBuffer[5];
        try {
            OutOfDeviceMemoryException refused = assertThrows(OutOfDeviceMemoryException.class, () -> {
                for (int i = 0; i < all.length; i++) {
                    all[i] = space.allocate(Math.max(piece, whole / 4 + 1), 64);
                }
            });
            assertTrue(
                    refused.getMessage().contains("in use") || refused.getMessage().contains("in one buffer"),
                    refused.getMessage());
        } finally {
            for (OpenClBuffer one : all) {
                if (one != null) {
                    one.close();
                }
            }
        }
        space.allocate(piece, 64).close(); // as much as before
    }

    @Test
    void queuesWaitForEachOthersEvents() {
        int[] numbers = numbers(1 << 20);
        try (OpenClBuffer first = space.allocate(4L << 20, 64);
                OpenClBuffer second = space.allocate(4L << 20, 64);
                OpenClQueue other = space.newQueue()) {
            space.copyFromHost(MemorySegment.ofArray(numbers), first, 0, space.defaultQueue());
            space.copy(first, 0, second, 0, 4L << 20, space.defaultQueue());
            QueueEvent copied = space.defaultQueue().record();
            other.await(copied);
            int[] values = new int[1 << 20];
            space.copyToHost(second, 0, MemorySegment.ofArray(values), other);
            assertTrue(copied.isComplete());
            copied.synchronize();
            assertArrayEquals(numbers, values);
            copied.close();
            copied.close();
            assertThrows(IllegalStateException.class, copied::isComplete);
        }
    }

    @Test
    void useAfterCloseIsRefusedAndASecondCloseDoesNothing() {
        OpenClBuffer buffer = space.allocate(16, 16);
        OpenClQueue queue = space.newQueue();
        buffer.close();
        buffer.close();
        queue.close();
        queue.close();
        assertFalse(buffer.isOpen());
        assertThrows(IllegalStateException.class, buffer::handle);
        assertThrows(IllegalStateException.class, queue::synchronize);
        OpenClBuffer left = space.allocate(16, 16);
        space.close();
        space.close();
        assertFalse(left.isOpen());
        assertThrows(IllegalStateException.class, () -> space.allocate(16, 16));
        assertThrows(IllegalStateException.class, () -> space.defaultQueue().synchronize());
        assertThrows(IllegalStateException.class, space::newQueue);
    }
}
