package dev.heddle.conformance;

import dev.heddle.core.Evolving;
import dev.heddle.core.spi.DeviceInfo;
import java.util.Arrays;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Runs cases on a thread of its own and gives up on one that takes too long. What it leaves behind cannot be ended, so
 * the next case has a new thread and a new bench.
 *
 * @since 0.1
 */
@Evolving
public final class CaseRunner implements AutoCloseable {
    private static final int MOST_HUNG = 3;
    private static final int FRAMES = 3;

    private final Subject subject;
    private final KitOptions options;
    private ExecutorService worker;
    private volatile @Nullable Thread thread;
    private Bench bench;
    private @Nullable DeviceInfo device;
    private int hung;

    /** Makes a runner; nothing is opened before it is needed. */
    public CaseRunner(Subject subject, KitOptions options) {
        this.subject = subject;
        this.options = options;
        this.worker = newWorker();
        this.bench = new Bench(subject, options);
    }

    private ExecutorService newWorker() {
        return Executors.newSingleThreadExecutor(task -> {
            Thread made = new Thread(task, "conformance");
            made.setDaemon(true); // a hung case must not keep the VM
            thread = made;
            return made;
        });
    }

    /** Runs a case; never throws for what the subject does. */
    public CaseResult run(ConformanceCase kase) {
        if (hung == MOST_HUNG) {
            return failed(kase, "not run: " + hung + " cases before it gave no result");
        }
        Bench on = bench;
        long start = System.nanoTime();
        Future<CaseResult> result = worker.submit(() -> ConformanceRun.run(kase, on));
        try {
            return result.get(options.caseLimit().toNanos(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            String where = where();
            hung++;
            device = device();
            worker.shutdownNow();
            worker = newWorker();
            bench = new Bench(subject, options);
            CaseResult failure = failed(kase, "timed out: no result within "
                    + options.caseLimit().toMillis() / 1000.0 + " s; it is at " + where);
            return new CaseResult(kase, Outcome.FAILED, failure.message(), System.nanoTime() - start, null);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof Error error) {
                throw error;
            }
            throw new IllegalStateException(kase.name() + " failed beside its body", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted during " + kase.name(), e);
        }
    }

    private String where() {
        Thread busy = thread;
        return busy == null ? "its start"
                : Arrays.stream(busy.getStackTrace())
                        .filter(frame -> !frame.getClassName().startsWith("java.")
                                && !frame.getClassName().startsWith("jdk."))
                        .limit(FRAMES)
                        .map(StackTraceElement::toString)
                        .collect(Collectors.joining(", called from "));
    }

    private static CaseResult failed(ConformanceCase kase, String message) {
        return new CaseResult(kase, Outcome.FAILED, "[" + kase.rule() + "] " + message, 0, null);
    }

    /** Returns the device that was opened, or null. */
    public @Nullable DeviceInfo device() {
        DeviceInfo now = bench.device();
        return now == null ? device : now;
    }

    /** Closes the bench on the thread that ran its cases. */
    @Override
    public void close() {
        try {
            worker.submit(bench::close).get(options.caseLimit().toNanos(), TimeUnit.NANOSECONDS);
        } catch (ExecutionException | TimeoutException e) {
            System.getLogger(CaseRunner.class.getName()).log(System.Logger.Level.WARNING,
                    subject.id() + " does not close", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        worker.shutdownNow();
    }
}
