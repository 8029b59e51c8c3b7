package dev.heddle.cuda.decode;

import dev.heddle.core.page.PageTable;
import dev.heddle.cuda.CudaBuffer;
import dev.heddle.cuda.CudaMemorySpace;
import dev.heddle.cuda.CudaQueue;
import dev.heddle.cuda.DeviceShelf;
import dev.heddle.cuda.PinnedBuffer;
import dev.heddle.cuda.PinnedShelf;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Units, page ids, counters and the workspace of split rows in one piece of device memory, filled by one copy from pinned
 * memory. A plan that will be captured keeps room for later schedules: places without work
 * are marked.
 */
final class DeviceSchedule implements AutoCloseable {
    private static final int UNIT_BYTES = DecodeSchedule.UNIT_INTS * Integer.BYTES;
    private static final int ROOM = 2; // a captured plan's schedule may grow to so many times its first size

    private final CudaQueue queue;
    private final int capacity;
    private final int pageCapacity;
    private final int slotCapacity;
    private final int counterCapacity;
    private final int stateFloats;
    private final boolean keepsRoom;
    private final CudaBuffer memory; // units, page ids, counters, partial results
    private final PinnedShelf pinned;
    private final DeviceShelf scratch;
    private int launched; // CTAs of a launch

    DeviceSchedule(CudaMemorySpace space, CudaQueue queue, DecodeSchedule schedule, PageTable table,
            int stateFloats, boolean keepsRoom) {
        int room = keepsRoom ? ROOM : 1;
        this.queue = queue;
        this.stateFloats = stateFloats;
        this.keepsRoom = keepsRoom;
        this.capacity = Math.max(1, schedule.count()) * room;
        this.pageCapacity = Math.max(1, table.totalPages()) * room;
        this.slotCapacity = keepsRoom ? Math.max(capacity, schedule.slots()) : schedule.slots();
        this.counterCapacity = keepsRoom ? capacity : schedule.counters();
        this.launched = capacity;
        this.pinned = space.pinned();
        this.scratch = space.scratch();
        this.memory = scratch.take(queue, partialsAt() + slotBytes());
        try {
            replace(schedule, table);
        } catch (RuntimeException e) {
            scratch.giveBack(memory, queue);
            throw e;
        }
    }

    /** Returns whether there is room for another schedule. */
    boolean fits(DecodeSchedule next, PageTable table) {
        return next.count() <= capacity && table.totalPages() <= pageCapacity
                && next.slots() <= slotCapacity && next.counters() <= counterCapacity;
    }

    /** Replaces the schedule by one that fits. */
    void replace(DecodeSchedule next, PageTable table) {
        // Another one each time: the last copy waits for the work before it, for which the host must not.
        PinnedBuffer staging = pinned.take(partialsAt());
        try {
            fill(staging.segment(), next, table);
            staging.copyTo(memory, 0, countersAt() + (long) counterCapacity * Integer.BYTES, queue);
        } finally {
            pinned.giveBack(staging);
        }
    }

    private void fill(MemorySegment to, DecodeSchedule next, PageTable table) {
        MemorySegment.copy(next.units(), 0, to, ValueLayout.JAVA_INT, 0,
                next.count() * DecodeSchedule.UNIT_INTS);
        if (keepsRoom) {
            for (int i = next.count(); i < capacity; i++) {
                to.set(ValueLayout.JAVA_INT, (long) i * UNIT_BYTES + DecodeSchedule.COUNTER * Integer.BYTES,
                        -1);
            }
        } else {
            launched = next.count();
        }
        table.copyKvIndices(to.asSlice(pagesAt()));
        to.asSlice(countersAt(), (long) counterCapacity * Integer.BYTES).fill((byte) 0);
    }

    private long pagesAt() {
        return (long) capacity * UNIT_BYTES;
    }

    private long countersAt() {
        return align(pagesAt() + (long) pageCapacity * Integer.BYTES);
    }

    private long partialsAt() {
        return align(countersAt() + (long) counterCapacity * Integer.BYTES);
    }

    private static long align(long bytes) {
        return (bytes + 255) & -256;
    }

    private long slotBytes() {
        return (long) slotCapacity * stateFloats * Float.BYTES;
    }

    /** Returns the bytes that hold intermediate results. */
    long workspaceBytes() {
        return (long) counterCapacity * Integer.BYTES + slotBytes();
    }

    long units() {
        return memory.address();
    }

    long pages() {
        return memory.address() + pagesAt();
    }

    long arrived() {
        return memory.address() + countersAt();
    }

    long partials() {
        return memory.address() + partialsAt();
    }

    /** Returns how many CTAs a launch has. */
    int capacity() {
        return launched;
    }

    @Override
    public void close() {
        if (keepsRoom) {
            memory.closeOn(queue); // a recording that is replayed once too often must not write to another plan's
        } else {
            scratch.giveBack(memory, queue);
        }
    }
}
