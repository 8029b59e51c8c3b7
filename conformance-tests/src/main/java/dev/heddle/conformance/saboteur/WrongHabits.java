package dev.heddle.conformance.saboteur;

import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.PlanOptions;
import dev.heddle.core.cache.KvCacheView;
import dev.heddle.core.page.PageTable;
import dev.heddle.core.spi.AttentionBackend;
import dev.heddle.core.spi.AttentionBackendProvider;
import dev.heddle.core.spi.BackendContext;
import dev.heddle.core.spi.BackendPlan;
import dev.heddle.core.tensor.HostTensors;
import dev.heddle.core.tensor.MemorySpace;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.reflect.Field;
import java.time.Duration;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** Backends that handle memory, threads, time and what they were given in wrong ways. */
final class WrongHabits {
    private static final int LEAK_BYTES = 512 << 10;
    private static final long THREAD_LIFE_NANOS = 120_000_000_000L;

    private WrongHabits() {}

    /** A buffer of its context stays open. */
    static Wrapper leaksBuffers(AttentionBackendProvider real) {
        return new Wrapper(real) {
            @Override
            void opened(BackendContext context) {
                context.hostSpace().allocate(4096, 64);
            }
        };
    }

    /** A thread goes on after close. */
    static Wrapper leaksThreads(AttentionBackendProvider real) {
        return new Wrapper(real) {
            @Override
            void opened(BackendContext context) {
                Thread.ofPlatform().daemon().name("lost-worker")
                        .start(() -> LockSupport.parkNanos(THREAD_LIFE_NANOS));
            }
        };
    }

    /** Each plan keeps memory that it took past its context, as a native library may. */
    static Wrapper leaksNativeMemory(AttentionBackendProvider real) {
        return new Wrapper(real) {
            private final List<MemorySegment> kept = new ArrayList<>(); // the collector's, once the self-test is over

            @Override
            void beforePlan(AttentionSpec spec, BatchShape batch, MemorySpace space) {
                kept.add(Arena.ofAuto().allocate(LEAK_BYTES).fill((byte) 1));
            }
        };
    }

    /** Memory of its own is written one byte past its end. */
    static Wrapper writesPastWorkspace(AttentionBackendProvider real) {
        return new Wrapper(real) {
            @Override
            @SuppressWarnings("restricted") // past its end is where it has to write
            void beforePlan(AttentionSpec spec, BatchShape batch, MemorySpace space) {
                try (var workspace = space.allocate(64, 64)) {
                    MemorySegment inside = HostTensors.segment(workspace);
                    inside.reinterpret(65).set(ValueLayout.JAVA_BYTE, 64, (byte) 1);
                }
            }
        };
    }

    /** Gets at the numbers behind the page table and puts its own there. */
    static Wrapper changesTheTable(AttentionBackendProvider real) {
        return new Wrapper(real) {
            @Override
            void afterRun(Run run) {
                try {
                    Field field = PageTable.class.getDeclaredField("kvIndices");
                    field.setAccessible(true);
                    int[] ids = (int[]) field.get(run.batch().pageTable());
                    int first = ids[0];
                    ids[0] = ids[ids.length - 1];
                    ids[ids.length - 1] = first;
                } catch (ReflectiveOperationException e) {
                    throw new IllegalStateException("this saboteur cannot get at a page table any more", e);
                }
            }
        };
    }

    /** A run takes an object of so many longs from the Java heap, each time or once in a number of times. */
    static Wrapper allocates(AttentionBackendProvider real, int longs, int every) {
        return new Wrapper(real) {
            private volatile long[] kept = {};
            private int runs;

            @Override
            void run(BackendPlan plan, Run run) {
                if (++runs % every == 0) {
                    kept = new long[longs];
                }
                super.run(plan, run);
            }
        };
    }

    /** A plan that cannot be closed. */
    static Wrapper throwsOnClose(AttentionBackendProvider real) {
        return new Wrapper(real) {
            @Override
            void planClosed() {
                throw new IllegalArgumentException("stream is busy");
            }
        };
    }

    /** A plan keeps the cache that it saw first, and with it one layer's numbers for all. */
    static Wrapper keepsTheFirstLayer(AttentionBackendProvider real) {
        return new Wrapper(real) {
            private final Map<BackendPlan, KvCacheView> first = new ConcurrentHashMap<>();

            @Override
            void run(BackendPlan plan, Run run) {
                super.run(plan, run);
                KvCacheView known = first.putIfAbsent(plan, run.kv());
                if (known != null && known != run.kv()) { // its buffers may be gone; what it held is not in out
                    for (int i = 0; i < run.batch().batchSize(); i++) {
                        Rows.changeOut(run, i, value -> 0);
                    }
                }
            }
        };
    }

    /** The answer of a plan's first run is given again whenever the same buffers come. */
    static Wrapper keepsAnswers(AttentionBackendProvider real) {
        return new Wrapper(real) {
            private final Map<BackendPlan, Kept> answers = new IdentityHashMap<>();

            @Override
            void run(BackendPlan plan, Run run) {
                MemorySegment out = HostTensors.segment(run.out().buffer());
                Kept kept = answers.get(plan);
                if (kept != null && kept.at() == out.address()) {
                    MemorySegment.copy(kept.out(), 0, out, 0, out.byteSize());
                    if (run.lse() != null && kept.lse() != null) {
                        MemorySegment lse = HostTensors.segment(run.lse().buffer());
                        MemorySegment.copy(kept.lse(), 0, lse, 0, lse.byteSize());
                    }
                } else {
                    super.run(plan, run);
                    answers.put(plan, new Kept(out.address(), copy(out), run.lse() == null ? null
                            : copy(HostTensors.segment(run.lse().buffer()))));
                }
            }
        };
    }

    private record Kept(long at, MemorySegment out, @Nullable MemorySegment lse) {}

    private static MemorySegment copy(MemorySegment segment) {
        return MemorySegment.ofArray(segment.toArray(ValueLayout.JAVA_BYTE));
    }

    /** A plan of the same lengths as one before is that one again: with pages that were freed since. */
    static Wrapper readsFreedPages(AttentionBackendProvider real) {
        return new Wrapper(real) {
            private @Nullable BatchShape before;

            @Override
            BackendPlan plan(AttentionBackend backend, AttentionSpec spec, BatchShape batch,
                    PlanOptions options) {
                BatchShape known = before;
                boolean same = known != null && known.toString().equals(batch.toString())
                        && known.pageTable().poolPages() == batch.pageTable().poolPages();
                if (!same) {
                    before = batch;
                }
                return backend.plan(spec, same ? known : batch, options);
            }
        };
    }

    /** Each run takes so long. */
    static Wrapper sleeps(AttentionBackendProvider real, Duration time) {
        return new Wrapper(real) {
            @Override
            void run(BackendPlan plan, Run run) {
                LockSupport.parkNanos(time.toNanos());
                super.run(plan, run);
            }
        };
    }
}
