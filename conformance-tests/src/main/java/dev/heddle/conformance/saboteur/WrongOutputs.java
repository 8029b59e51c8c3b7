package dev.heddle.conformance.saboteur;

import dev.heddle.core.attention.KvLayout;
import dev.heddle.core.cache.KvCacheView;
import dev.heddle.core.capability.Capabilities;
import dev.heddle.core.capability.Concurrency;
import dev.heddle.core.spi.AttentionBackendProvider;
import dev.heddle.core.spi.BackendPlan;
import dev.heddle.core.tensor.DataType;
import dev.heddle.core.tensor.HostBuffer;
import dev.heddle.core.tensor.HostTensors;
import dev.heddle.core.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** Right answers, spoilt after the run, and memory written beside them. */
final class WrongOutputs {
    private static final int CROWD = 100;
    private static final int LONG = 320;
    private static final double LN_2 = Math.log(2);

    private WrongOutputs() {}

    /** Changes each request's rows after each run. */
    private abstract static class Spoilt extends Wrapper {
        Spoilt(AttentionBackendProvider real) {
            super(real);
        }

        abstract void spoil(Run run, int request);

        @Override
        final void afterRun(Run run) {
            for (int i = 0; i < run.batch().batchSize(); i++) {
                spoil(run, i);
            }
        }
    }

    /** Wrong for one pair of declared values. */
    static Wrapper wrongForOnePair(AttentionBackendProvider real) {
        return new Spoilt(real) {
            @Override
            void spoil(Run run, int request) {
                if (run.spec().groupSize() == 6 && run.spec().kvLayout() == KvLayout.HND) {
                    Rows.changeOut(run, request, value -> 1.25f * value);
                }
            }
        };
    }

    /** Outputs of long sequences keep six bits after the point. */
    static Wrapper coarse(AttentionBackendProvider real) {
        return new Spoilt(real) {
            @Override
            void spoil(Run run, int request) {
                if (run.batch().kvLen(request) > LONG) {
                    Rows.changeOut(run, request, value -> Math.round(value * 64) / 64f);
                }
            }
        };
    }

    /** Outputs in f32 lose some of their last bits. */
    static Wrapper losesBits(AttentionBackendProvider real, int bits) {
        return new Spoilt(real) {
            @Override
            void spoil(Run run, int request) {
                if (run.out().dtype() == DataType.F32) {
                    Rows.changeOut(run, request, value -> Float
                            .intBitsToFloat(Float.floatToRawIntBits(value) >>> bits << bits));
                }
            }
        };
    }

    /** The LSE in base 2. */
    static Wrapper baseTwo(AttentionBackendProvider real) {
        return new Spoilt(real) {
            @Override
            void spoil(Run run, int request) {
                Rows.changeLse(run, request, value -> (float) (value / LN_2));
            }
        };
    }

    /** The last bit changes from run to run. */
    static Wrapper flickering(AttentionBackendProvider real) {
        return new Spoilt(real) {
            private int spoilt;

            @Override
            void spoil(Run run, int request) {
                if (++spoilt % 2 == 0) {
                    Rows.changeLse(run, request, Math::nextUp);
                }
            }
        };
    }

    /** The last bit depends on how many requests there are. */
    static Wrapper seesTheCrowd(AttentionBackendProvider real) {
        return new Spoilt(real) {
            @Override
            void spoil(Run run, int request) {
                if (run.batch().batchSize() > CROWD) {
                    Rows.changeLse(run, request, Math::nextUp);
                }
            }
        };
    }

    /** Requests without keys are left out: what was in their rows stays there. */
    static Wrapper skipsEmpty(AttentionBackendProvider real) {
        return new Spoilt(real) {
            @Override
            void spoil(Run run, int request) {
                if (run.batch().kvLen(request) == 0) {
                    Rows.changeOut(run, request, value -> Float.NaN);
                    Rows.changeLse(run, request, value -> Float.NaN);
                }
            }
        };
    }

    /** The last bit depends on where a page lies. */
    static Wrapper pagesDiffer(AttentionBackendProvider real) {
        return new Spoilt(real) {
            @Override
            void spoil(Run run, int request) {
                if (run.batch().kvLen(request) > 0 && run.batch().pageTable().pageOf(request, 0) % 2 == 1) {
                    Rows.changeLse(run, request, Math::nextUp);
                }
            }
        };
    }

    /** A page that requests share is written to. */
    static Wrapper writesSharedPages(AttentionBackendProvider real) {
        return new Wrapper(real) {
            @Override
            void afterRun(Run run) {
                Set<Integer> seen = new HashSet<>();
                Set<Integer> written = new HashSet<>();
                for (int i = 0; i < run.batch().pageTable().totalPages(); i++) {
                    int page = run.batch().pageTable().kvIndex(i);
                    if (!seen.add(page) && written.add(page)) {
                        flip(run.kv(), page);
                    }
                }
            }
        };
    }

    /** A page that no request names is written to. */
    static Wrapper writesUnusedPage(AttentionBackendProvider real) {
        return new Wrapper(real) {
            @Override
            void afterRun(Run run) {
                Set<Integer> used = new HashSet<>();
                for (int i = 0; i < run.batch().pageTable().totalPages(); i++) {
                    used.add(run.batch().pageTable().kvIndex(i));
                }
                for (int page = 0; page < run.kv().numPages(); page++) {
                    if (!used.contains(page)) {
                        flip(run.kv(), page);
                        return;
                    }
                }
            }
        };
    }

    private static void flip(KvCacheView kv, int page) {
        MemorySegment keys = HostTensors.segment(kv.k().segmentOf(page));
        long at = kv.k().byteOffset(page, 0, 0);
        keys.set(ValueLayout.JAVA_BYTE, at, (byte) ~keys.get(ValueLayout.JAVA_BYTE, at));
    }

    /** One element too many. */
    static Wrapper writesPastOut(AttentionBackendProvider real) {
        return new Wrapper(real) {
            @Override
            void afterRun(Run run) {
                Tensor out = run.out();
                long end = out.byteOffset()
                        + ((out.extent(0) - 1) * out.stride(0) + (out.extent(1) - 1) * out.stride(1)
                                + out.extent(2)) * out.dtype().byteSize();
                HostTensors.segment(out.buffer()).set(ValueLayout.JAVA_BYTE, end, (byte) 1);
            }
        };
    }

    /** All plans put their queries into one place, without a lock. */
    static Wrapper sharesScratch(AttentionBackendProvider real) {
        return new Wrapper(real) {
            private @Nullable MemorySegment scratch;

            @Override
            public Capabilities capabilities() {
                return super.capabilities().toBuilder().concurrency(Concurrency.CONCURRENT).build();
            }

            @Override
            void run(BackendPlan plan, Run run) {
                MemorySegment q = HostTensors.segment(run.q().buffer());
                MemorySegment shared = scratch(q.byteSize()).asSlice(0, q.byteSize());
                shared.copyFrom(q);
                LockSupport.parkNanos(2_000_000); // others come by
                long[] strides = {run.q().stride(0), run.q().stride(1), run.q().stride(2)};
                super.run(plan, run.withQ(Tensor.strided(HostBuffer.wrap(shared), run.q().byteOffset(),
                        run.q().dtype(), run.q().shape(), strides)));
            }

            private synchronized MemorySegment scratch(long bytes) {
                MemorySegment now = scratch;
                if (now == null || now.byteSize() < bytes) {
                    now = Arena.ofAuto().allocate(bytes, 4096);
                    scratch = now;
                }
                return now;
            }
        };
    }
}
