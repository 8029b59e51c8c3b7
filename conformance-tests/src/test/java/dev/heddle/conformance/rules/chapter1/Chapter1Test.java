package dev.heddle.conformance.rules.chapter1;

import static dev.heddle.conformance.rules.Rules.assertCatches;
import static dev.heddle.conformance.rules.Rules.assertPasses;

import dev.heddle.conformance.reference.PlainBackend;
import dev.heddle.conformance.rules.Wrapped;
import dev.heddle.core.capability.Capabilities;
import dev.heddle.core.spi.AttentionBackendProvider;
import dev.heddle.core.spi.Availability;
import dev.heddle.core.spi.BackendContext;
import dev.heddle.planner.BackendReport;
import dev.heddle.planner.Heddle;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

class Chapter1Test {
    @Test
    void plainBackendPasses() {
        assertPasses(new Found(), new PlainBackend());
        assertPasses(new Describes(), new PlainBackend());
        assertPasses(new HidesNone(), new PlainBackend());
        assertPasses(new OpenClose(), new PlainBackend());
    }

    @Test
    void unregisteredProviderIsCaught() {
        assertCatches(new Found(), new Wrapped(), "is not found by ServiceLoader", "META-INF/services");
    }

    @Test
    void malformedIdIsCaught() {
        assertCatches(new Found(), new Wrapped() {
            @Override
            public String id() {
                return "My_Backend";
            }
        }, "must match", "My_Backend");
    }

    @Test
    void throwingDeclarationIsCaught() {
        assertCatches(new Describes(), new Wrapped() {
            @Override
            public Capabilities capabilities() {
                throw new IllegalStateException("no driver");
            }
        }, "no driver");
    }

    @Test
    void throwingProbeIsCaught() {
        assertCatches(new Describes(), new Wrapped() {
            @Override
            public Availability probe() {
                throw new UnsatisfiedLinkError("libcuda.so.1");
            }
        }, "probe() must return Unavailable", "libcuda.so.1");
    }

    @Test
    void declarationThatStartsThreadsIsCaught() {
        List<Thread> started = new ArrayList<>();
        try {
            assertCatches(new Describes(), new Wrapped() {
                @Override
                public Capabilities capabilities() {
                    started.add(
                            Thread.ofPlatform().daemon().name("eager-worker").start(Chapter1Test::forever));
                    return super.capabilities();
                }
            }, "started threads", "eager-worker");
        } finally {
            started.forEach(Thread::interrupt);
        }
    }

    private static void forever() {
        while (!Thread.currentThread().isInterrupted()) {
            LockSupport.park();
        }
    }

    @Test
    void discoveryThatStopsAtABrokenProviderIsCaught() {
        assertCatches(new HidesNone(Chapter1Test::untilTheFirstBroken), new PlainBackend(), "hides plain");
    }

    private static List<BackendReport> untilTheFirstBroken(List<AttentionBackendProvider> providers) {
        List<AttentionBackendProvider> sound = new ArrayList<>();
        for (AttentionBackendProvider provider : providers) {
            if (provider instanceof BrokenProvider) {
                break;
            }
            sound.add(provider);
        }
        return discover(sound);
    }

    @Test
    void discoveryThatSwallowsTheCauseIsCaught() {
        assertCatches(
                new HidesNone(providers -> discover(
                        providers.stream().filter(p -> !(p instanceof BrokenProvider)).toList())),
                new PlainBackend(), "is not listed with its root cause");
    }

    private static List<BackendReport> discover(List<AttentionBackendProvider> providers) {
        try (Heddle heddle = Heddle.builder().providers(providers).open()) {
            return heddle.backends();
        }
    }

    @Test
    void leakedHostMemoryIsCaught() {
        assertCatches(new OpenClose(), new Wrapped() {
            @Override
            protected void opened(BackendContext context) {
                context.hostSpace().allocate(4096, 64);
            }
        }, "1 buffers of host memory", "still open");
    }

    @Test
    void leakedThreadIsCaught() {
        List<Thread> started = new ArrayList<>();
        try {
            assertCatches(new OpenClose(), new Wrapped() {
                @Override
                protected void opened(BackendContext context) {
                    started.add(
                            Thread.ofPlatform().daemon().name("lost-worker").start(Chapter1Test::forever));
                }
            }, "threads are left", "lost-worker");
        } finally {
            started.forEach(Thread::interrupt);
        }
    }
}
