package dev.heddle.conformance.rules.chapter5;

import static dev.heddle.conformance.rules.Rules.assertCatches;
import static dev.heddle.conformance.rules.Rules.assertPasses;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.heddle.conformance.KitOptions;
import dev.heddle.conformance.Subject;
import dev.heddle.conformance.reference.PlainBackend;
import dev.heddle.conformance.rules.Wrapped;
import dev.heddle.core.attention.HeadParameters;
import dev.heddle.core.cache.KvCacheView;
import dev.heddle.core.capability.Capabilities;
import dev.heddle.core.capability.Concurrency;
import dev.heddle.core.spi.BackendPlan;
import dev.heddle.core.tensor.HostTensors;
import dev.heddle.core.tensor.Tensor;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class Chapter5Test {
    @Test
    void plainBackendPasses() {
        assertPasses(new ManyLayers(), new PlainBackend());
        assertPasses(new ManyThreads(), new PlainBackend());
        assertPasses(new UseAfterClose(), new PlainBackend());
    }

    @Test
    void runThatAllocatesNothingPasses() {
        assertPasses(new NoAllocation(), new Wrapped() {
            @Override
            protected void run(Object state, BackendPlan plan, Tensor q, KvCacheView kv, Tensor out,
                    @Nullable Tensor lse, HeadParameters heads) {
                // The rule compares no numbers, so that a run that does nothing is the quietest there is.
            }
        });
    }

    @Test
    void captureAppliesOnlyWhereDeclared() {
        String name =
                new Capture().cases(Subject.of(new PlainBackend()), KitOptions.DEFAULT).getFirst().name();
        assertEquals("5.05/not-declared/seed42", name);
    }

    /** Keeps the first layer's cache that a plan sees. */
    @Test
    void planThatKeepsTheFirstLayerIsCaught() {
        assertCatches(new ManyLayers(), new Wrapped() {
            @Override
            protected Object newState() {
                return new AtomicReference<KvCacheView>();
            }

            @Override
            @SuppressWarnings("unchecked")
            protected void run(Object state, BackendPlan plan, Tensor q, KvCacheView kv, Tensor out,
                    @Nullable Tensor lse, HeadParameters heads) {
                AtomicReference<KvCacheView> first = (AtomicReference<KvCacheView>) state;
                first.compareAndSet(null, kv);
                KvCacheView stale = first.get();
                plan.run(q, stale.k().segments().getFirst().isOpen() ? stale : kv, out, lse, heads);
                if (stale != kv) {
                    HostTensors.fill(out, new float[(int) out.elements()]);
                }
            }
        }, "out");
    }

    /** Shares scratch between plans without a lock. */
    @Test
    void plansThatShareScratchAreCaught() {
        AtomicReference<Tensor> scratch = new AtomicReference<>();
        assertCatches(new ManyThreads(), new Wrapped() {
            @Override
            public Capabilities capabilities() {
                return super.capabilities().toBuilder().concurrency(Concurrency.CONCURRENT).build();
            }

            @Override
            protected void run(Object state, BackendPlan plan, Tensor q, KvCacheView kv, Tensor out,
                    @Nullable Tensor lse, HeadParameters heads) {
                scratch.set(q);
                Thread.yield();
                LockSupport.parkNanos(2_000_000);
                Tensor shared = scratch.get();
                boolean fits = Arrays.equals(shared.shape(), q.shape()) && shared.buffer().isOpen();
                plan.run(fits ? shared : q, kv, out, lse, heads);
            }
        }, "");
    }

    @Test
    void runThatAllocatesIsCaught() {
        assertCatches(new NoAllocation(), new Wrapped() {
            @Override
            protected void run(Object state, BackendPlan plan, Tensor q, KvCacheView kv, Tensor out,
                    @Nullable Tensor lse, HeadParameters heads) {
                kept = new long[64];
                plan.run(q, kv, out, lse, heads);
            }

            private volatile long[] kept = {};
        }, "bytes on the Java heap", "none are allowed");
    }

    @Test
    void closeThatThrowsIsCaught() {
        assertCatches(new UseAfterClose(), new Wrapped() {
            @Override
            protected void planClosed() {
                throw new IllegalArgumentException("stream is busy");
            }
        }, "close number 1 of a plan", "stream is busy");
    }

    @Test
    void declaredCaptureThatCannotCaptureIsCaught() {
        assertCatches(new Capture(), new Wrapped() {
            @Override
            public Capabilities capabilities() {
                return super.capabilities().toBuilder().capture(true).build();
            }
        }, "cannot capture work");
    }
}
