package dev.heddle.conformance.rules.chapter1;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/** What this process holds at a moment, as far as the platform tells. */
final class Usage {
    private static final Path PROCESS = Path.of("/proc/self");
    private static final int PAGE_BYTES = 4096;
    // Threads that belong to the VM and come and go on their own.
    private static final Set<String> OF_THE_VM = Set.of("system", "InnocuousThreadGroup");

    private Usage() {}

    /** Returns the threads that somebody started, by number and name. */
    static Set<String> threadNames() {
        Set<String> names = new TreeSet<>();
        for (Thread thread : Thread.getAllStackTraces().keySet()) {
            ThreadGroup group = thread.getThreadGroup();
            if (group != null && !OF_THE_VM.contains(group.getName())
                    && !thread.getName().startsWith("ForkJoinPool.commonPool")) {
                names.add(thread.threadId() + " " + thread.getName());
            }
        }
        return names;
    }

    /** Returns the device files that are open; empty where the platform does not tell. */
    static Set<String> openDevices() {
        Set<String> devices = new TreeSet<>();
        try (Stream<Path> open = Files.list(PROCESS.resolve("fd"))) {
            for (Path file : open.toList()) {
                String target = targetOf(file);
                if (target.startsWith("/dev/nvidia") || target.startsWith("/dev/dri")
                        || target.startsWith("/dev/kfd")) {
                    devices.add(target);
                }
            }
        } catch (IOException e) {
            return Set.of();
        }
        return devices;
    }

    // A file may be closed between being listed and being read.
    private static String targetOf(Path link) {
        try {
            return Files.readSymbolicLink(link).toString();
        } catch (IOException e) {
            return "";
        }
    }

    /** Returns the memory in use outside the Java heap in bytes; 0 where the platform does not tell. */
    static long nativeBytes() {
        try {
            long resident =
                    Long.parseLong(Files.readString(PROCESS.resolve("statm")).split(" ")[1]) * PAGE_BYTES;
            return Math.max(0, resident - Runtime.getRuntime().totalMemory());
        } catch (IOException e) {
            return 0;
        }
    }
}
