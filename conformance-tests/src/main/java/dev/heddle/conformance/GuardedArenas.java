package dev.heddle.conformance;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;

/** Arenas that put a zone of known bytes before and after each allocation and notice when it changes. */
final class GuardedArenas {
    private static final long ZONE = 256;
    private static final byte PATTERN = (byte) 0xA5;

    private final Set<Guarded> open = ConcurrentHashMap.newKeySet();
    private final Queue<String> damage = new ConcurrentLinkedQueue<>();

    Arena newArena() {
        Guarded arena = new Guarded(Arena.ofShared());
        open.add(arena);
        return arena;
    }

    /** Returns what was damaged so far, among allocations open and closed, once. */
    Optional<String> takeDamage() {
        open.forEach(Guarded::check);
        return Optional.ofNullable(damage.poll());
    }

    private final class Guarded implements Arena {
        private final Arena arena;
        private final Queue<MemorySegment> zones = new ConcurrentLinkedQueue<>();

        private Guarded(Arena arena) {
            this.arena = arena;
        }

        @Override
        public MemorySegment allocate(long byteSize, long byteAlignment) {
            long before = Math.max(ZONE, byteAlignment);
            MemorySegment whole = arena.allocate(before + byteSize + ZONE, byteAlignment);
            guard(whole.asSlice(before - ZONE, ZONE));
            guard(whole.asSlice(before + byteSize, ZONE));
            return whole.asSlice(before, byteSize);
        }

        private void guard(MemorySegment zone) {
            zone.fill(PATTERN);
            zones.add(zone);
        }

        private synchronized void check() {
            if (!arena.scope().isAlive()) {
                return;
            }
            for (MemorySegment zone : zones) {
                for (long i = 0; i < ZONE; i++) {
                    if (zone.get(ValueLayout.JAVA_BYTE, i) != PATTERN) {
                        damage.add(
                                "a guard byte beside memory that the backend allocated from its context changed");
                        zone.fill(PATTERN);
                        break;
                    }
                }
            }
        }

        @Override
        public MemorySegment.Scope scope() {
            return arena.scope();
        }

        @Override
        public synchronized void close() {
            check();
            open.remove(this);
            arena.close();
        }
    }
}
