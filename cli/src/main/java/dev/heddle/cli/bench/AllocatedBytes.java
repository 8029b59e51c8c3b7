package dev.heddle.cli.bench;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.function.LongSupplier;

/** Heap that a thread has allocated. Needs the module jdk.management. */
final class AllocatedBytes {
    private AllocatedBytes() {}

    static LongSupplier ofThisThread() {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        return threads::getCurrentThreadAllocatedBytes;
    }
}
