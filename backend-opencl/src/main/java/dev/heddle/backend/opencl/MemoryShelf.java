package dev.heddle.backend.opencl;

import dev.heddle.backend.opencl.device.OpenClMemorySpace;
import dev.heddle.backend.opencl.device.OpenClQueue;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/** Memory of closed plans for those to come: allocating costs more than planning. */
final class MemoryShelf implements AutoCloseable {
    private static final int MOST = 32;

    private final OpenClMemorySpace space;
    private final List<PlanMemory> free = new ArrayList<>();
    private boolean closed;

    MemoryShelf(OpenClMemorySpace space) {
        this.space = space;
    }

    PlanMemory take(OpenClQueue queue, long tableBytes, long partialBytes) {
        synchronized (this) {
            for (Iterator<PlanMemory> all = free.iterator(); all.hasNext();) {
                PlanMemory memory = all.next();
                if (memory.fits(queue, tableBytes, partialBytes)) {
                    all.remove();
                    return memory;
                }
            }
        }
        return new PlanMemory(space, queue, tableBytes, partialBytes);
    }

    void giveBack(PlanMemory memory) {
        PlanMemory surplus;
        synchronized (this) {
            if (!closed) {
                free.add(memory);
            }
            surplus = closed ? memory : free.size() > MOST ? free.removeFirst() : null;
        }
        if (surplus != null) {
            surplus.close();
        }
    }

    @Override
    public synchronized void close() {
        closed = true;
        free.forEach(PlanMemory::close);
        free.clear();
    }
}
