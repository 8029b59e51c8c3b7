package dev.heddle.core.tensor;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class HostMemorySpaceTest {
    private static String state(Runnable use) {
        return assertThrows(IllegalStateException.class, use::run).getMessage();
    }

    @Test
    void closingABufferFreesIt() {
        List<Arena> arenas = new ArrayList<>();
        try (HostMemorySpace space = new HostMemorySpace(() -> {
            arenas.add(Arena.ofShared());
            return arenas.getLast();
        })) {
            HostBuffer buffer = space.allocate(100, 64);
            assertEquals(100, buffer.byteSize());
            assertEquals(0, buffer.segment().address() % 64);
            buffer.close();
            assertFalse(arenas.getFirst().scope().isAlive());
            assertFalse(buffer.isOpen());
            assertDoesNotThrow(buffer::close);
            assertEquals("host buffer of 100 bytes is closed", state(buffer::segment));
            assertEquals(1, arenas.size());
        }
    }

    @Test
    void closingTheSpaceClosesItsBuffers() {
        HostMemorySpace space = new HostMemorySpace();
        HostBuffer a = space.allocate(8, 8);
        HostBuffer b = space.allocate(0, 1);
        space.close();
        assertDoesNotThrow(space::close);
        assertFalse(a.isOpen() || b.isOpen());
        assertEquals("host memory space is closed", state(() -> space.allocate(1, 1)));
    }

    @Test
    void badSizesAreRefusedBeforeAnythingIsMade() {
        List<Arena> arenas = new ArrayList<>();
        try (HostMemorySpace space = new HostMemorySpace(() -> {
            arenas.add(Arena.ofShared());
            return arenas.getLast();
        })) {
            assertEquals("byteSize must be 0 or more, got -1", assertThrows(IllegalArgumentException.class,
                    () -> space.allocate(-1, 1)).getMessage());
            for (long alignment : new long[]{0, -8, 3, 48}) {
                assertEquals("byteAlignment must be a power of two, got " + alignment,
                        assertThrows(IllegalArgumentException.class, () -> space.allocate(1, alignment))
                                .getMessage());
            }
            assertTrue(arenas.isEmpty(), "an arena was made and lost");
        }
    }

    @Test
    void aWrappedBufferFreesNothingAndSeesItsOwnersClose() {
        Arena arena = Arena.ofConfined();
        MemorySegment segment = arena.allocate(8);
        HostBuffer view = HostBuffer.wrap(segment);
        view.close();
        assertFalse(view.isOpen());
        assertTrue(segment.scope().isAlive());
        HostBuffer second = HostBuffer.wrap(segment);
        arena.close();
        assertFalse(second.isOpen());
        assertEquals("host buffer of 8 bytes is closed", state(second::segment));
    }

    @Test
    void copiesAndQueues() {
        try (HostMemorySpace space = new HostMemorySpace()) {
            HostBuffer buffer = space.allocate(8, 1);
            HostBuffer other = space.allocate(8, 1);
            ExecutionQueue queue = space.defaultQueue();
            space.copyFromHost(MemorySegment.ofArray(new byte[]{1, 2, 3}), buffer, 4, queue);
            space.copy(buffer, 5, other, 0, 2, queue);
            byte[] back = new byte[2];
            space.copyToHost(other, 0, MemorySegment.ofArray(back), queue);
            assertEquals(2, back[0]);
            assertEquals(3, back[1]);
            queue.close();
            assertDoesNotThrow(queue::synchronize, "the space's own queue lives as long as the space");
            ExecutionQueue own = space.newQueue();
            assertTrue(own.record().isComplete());
            own.close();
            assertEquals("host queue is closed", state(own::synchronize));
            assertThrows(UnsupportedOperationException.class, () -> queue.capture(() -> {}));
        }
    }

    @Test
    void namesOfSpaces() {
        assertEquals(new MemorySpaceId("cuda", 1), MemorySpaceId.parse("cuda:1"));
        assertEquals(MemorySpaceId.HOST, MemorySpaceId.parse("host"));
        assertEquals("cuda:1", MemorySpaceId.parse("cuda:1").toString());
        assertEquals("memory space must be 'host' or 'kind:ordinal' such as 'cuda:0', got 'cuda:x'",
                assertThrows(IllegalArgumentException.class, () -> MemorySpaceId.parse("cuda:x"))
                        .getMessage());
        assertThrows(IllegalArgumentException.class, () -> MemorySpaceId.parse("host:1"));
        assertThrows(IllegalArgumentException.class, () -> MemorySpaceId.parse("Cuda:0"));
        assertThrows(IllegalArgumentException.class, () -> MemorySpaceId.parse("cuda:-1"));
    }

    @Test
    void largeBuffersHoldZerosAndLieOnLargePages() {
        long bytes = 3 * LargePages.PAGE * 4 + 5;
        try (HostMemorySpace space = new HostMemorySpace()) {
            MemorySegment segment = space.allocate(bytes, 64).segment();
            assertEquals(bytes, segment.byteSize());
            assertEquals(0, segment.address() % LargePages.alignment(bytes, 64));
            for (long at = 0; at < bytes; at++) {
                if (segment.get(ValueLayout.JAVA_BYTE, at) != 0) {
                    throw new AssertionError("byte " + at + " is not 0");
                }
            }
            segment.set(ValueLayout.JAVA_BYTE, bytes - 1, (byte) 1);
        }
        assertEquals(64, LargePages.alignment(1 << 20, 64), "small buffers stay on small pages");
    }
}
