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

    /** Returns how many files are open; 0 where the platform does not tell. */
    static int openFiles() {
        try (Stream<Path> open = Files.list(PROCESS.resolve("fd"))) {
            return (int) open.count();
        } catch (IOException e) {
            return 0;
        }
    }

    /**
     * Returns the memory that was asked for outside the Java heap, in bytes; 0 where the platform does not tell. Of the
     * heap both counts have what is committed, whether it was touched or not, so that it cancels out.
     */
    static long nativeBytes() {
        try (Stream<String> lines = Files.lines(PROCESS.resolve("status"))) {
            long writable = lines.filter(line -> line.startsWith("VmData:"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) << 10)
                    .findFirst().orElse(0);
            return Math.max(0, writable - Runtime.getRuntime().totalMemory());
        } catch (IOException e) {
            return 0;
        }
    }
}
