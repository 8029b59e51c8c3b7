package dev.heddle.backend.opencl;

import dev.heddle.backend.opencl.device.OpenClBuffer;
import dev.heddle.backend.opencl.device.OpenClEvent;
import dev.heddle.backend.opencl.device.OpenClMemorySpace;
import dev.heddle.backend.opencl.device.OpenClQueue;
import dev.heddle.core.page.PageTable;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/**
 * What a plan keeps on the device: its schedule with the page ids behind it, and room for partial results. It is written
 * in the order of its queue, so the next plan on that queue may have it while this one's work still runs.
 */
final class PlanMemory implements AutoCloseable {
    private static final long LEAST_BYTES = 16 << 10;
    private static final int ALIGNMENT = 256;

    private final OpenClMemorySpace space;
    private final OpenClQueue queue;
    private final OpenClBuffer table;
    private final OpenClBuffer partials;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment staging;
    private @Nullable OpenClEvent written; // when the staging memory may change again
    private int mergesAt;

    PlanMemory(OpenClMemorySpace space, OpenClQueue queue, long tableBytes, long partialBytes) {
        this.space = space;
        this.queue = queue;
        long bytes = Math.max(LEAST_BYTES, Long.highestOneBit(2 * tableBytes - 1));
        this.table = space.allocate(bytes, ALIGNMENT);
        try {
            this.partials = space.allocate(Math.max(LEAST_BYTES, partialBytes), ALIGNMENT);
        } catch (RuntimeException e) {
            table.close();
            throw e;
        }
        this.staging = arena.allocate(bytes, Long.BYTES);
    }

    static long tableBytes(WorkSchedule schedule, PageTable pages) {
        return ((long) schedule.units().length + schedule.merges().length + pages.totalPages())
                * Integer.BYTES;
    }

    /** Returns whether a schedule has room, without waiting for what was written before. */
    boolean fits(OpenClQueue wanted, long tableBytes, long partialBytes) {
        return queue == wanted && table.byteSize() >= tableBytes && partials.byteSize() >= partialBytes
                && (written == null || written.isComplete());
    }

    /** Enqueues writing a schedule that {@link #fits}. */
    void write(WorkSchedule schedule, PageTable pages) {
        if (written != null) {
            written.close();
            written = null;
        }
        int pagesAt = schedule.units().length + schedule.merges().length;
        mergesAt = schedule.units().length;
        MemorySegment.copy(schedule.units(), 0, staging, ValueLayout.JAVA_INT, 0, schedule.units().length);
        for (int i = 0; i < schedule.unitCount(); i++) { // where the pages of its request lie in this buffer
            long at = ((long) i * WorkSchedule.UNIT_INTS + WorkSchedule.UNIT_PAGES) * Integer.BYTES;
            staging.set(ValueLayout.JAVA_INT, at, staging.get(ValueLayout.JAVA_INT, at) + pagesAt);
        }
        MemorySegment.copy(schedule.merges(), 0, staging, ValueLayout.JAVA_INT,
                (long) mergesAt * Integer.BYTES,
                schedule.merges().length);
        pages.copyKvIndices(staging.asSlice((long) pagesAt * Integer.BYTES));
        long bytes = tableBytes(schedule, pages);
        if (bytes > 0) {
            written = space.write(staging.asSlice(0, bytes), table, queue);
        }
    }

    OpenClBuffer table() {
        return table;
    }

    OpenClBuffer partials() {
        return partials;
    }

    /** Returns where the merges begin in the table, in ints. */
    int mergesAt() {
        return mergesAt;
    }

    @Override
    public void close() {
        if (written != null) {
            written.synchronize(); // the staging memory is about to go
            written.close();
            written = null;
        }
        table.close();
        partials.close();
        arena.close();
    }
}
