package dev.heddle.planner;

import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.Feature;
import dev.heddle.core.attention.PlanOptions;
import dev.heddle.core.capability.Capabilities;
import dev.heddle.core.capability.Dimension;
import dev.heddle.core.capability.IntRange;
import dev.heddle.core.capability.IntSet;
import dev.heddle.core.capability.Phase;
import dev.heddle.core.capability.Rejection;
import dev.heddle.core.capability.RejectionCode;
import dev.heddle.core.spi.AttentionBackend;
import dev.heddle.core.spi.AttentionBackendProvider;
import dev.heddle.core.spi.Availability;
import dev.heddle.core.spi.BackendContext;
import dev.heddle.core.spi.BackendPlan;
import dev.heddle.core.spi.CostProfile;
import dev.heddle.core.tensor.DataType;
import dev.heddle.core.tensor.MemorySpace;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** A backend that computes what it is asked, or fails where it is told to. */
final class FakeBackend implements AttentionBackendProvider {
    /** Where it fails. */
    enum At {
        CAPABILITIES, PROBE, OPEN, COST, REFINE, PLAN, RUN, CLOSE
    }

    static final Capabilities DECODE = Capabilities.builder().groupSizes(IntSet.of(1, 2, 3, 4, 8))
            .headDims(4, 8).dtypes(DataType.F32).qoLen(IntRange.of(1)).features(Feature.LSE).build();

    final AtomicInteger opens = new AtomicInteger();
    final AtomicInteger closes = new AtomicInteger();
    final AtomicInteger plans = new AtomicInteger();
    final AtomicInteger runs = new AtomicInteger();
    final Set<At> failing = EnumSet.noneOf(At.class);
    private final String id;
    private String version = "1.2.3";
    private int spiVersion = SPI_VERSION;
    private Capabilities capabilities = DECODE;
    private @Nullable Availability availability = Availability.onHost();
    private CostProfile cost = cost(1, 10);
    private boolean refuses;

    FakeBackend(String id) {
        this.id = id;
    }

    /** Returns a profile in which reading a byte and a launch take this long, and nothing else takes any time. */
    static CostProfile cost(double microsPerByte, double launchMicros) {
        return new CostProfile(1e-3 / microsPerByte, Map.of(), 1e9, 1, 1, launchMicros, 0, 0, 0, 0);
    }

    FakeBackend failing(At... where) {
        failing.addAll(List.of(where));
        return this;
    }

    FakeBackend version(String value) {
        version = value;
        return this;
    }

    FakeBackend spiVersion(int value) {
        spiVersion = value;
        return this;
    }

    FakeBackend capabilities(Capabilities value) {
        capabilities = value;
        return this;
    }

    FakeBackend probes(@Nullable Availability value) {
        availability = value;
        return this;
    }

    FakeBackend costs(double microsPerByte, double launchMicros) {
        return costs(cost(microsPerByte, launchMicros));
    }

    FakeBackend costs(CostProfile value) {
        cost = value;
        return this;
    }

    /** Makes {@code refine} refuse every request. */
    FakeBackend refusing() {
        refuses = true;
        return this;
    }

    @Override
    public String id() {
        return id;
    }

    @Override
    public String version() {
        return version;
    }

    @Override
    public int spiVersion() {
        return spiVersion;
    }

    @Override
    public Capabilities capabilities() {
        failAt(At.CAPABILITIES);
        return capabilities;
    }

    @Override
    @SuppressWarnings("NullAway") // a careless provider may return null
    public @Nullable Availability probe() {
        failAt(At.PROBE);
        return availability;
    }

    @Override
    public AttentionBackend open(BackendContext context) {
        if (failing.contains(At.OPEN)) {
            throw new UnsatisfiedLinkError("libfake.so not found");
        }
        opens.incrementAndGet();
        return new Opened(context);
    }

    void failAt(At where) {
        if (failing.contains(where)) {
            throw new ArithmeticException(id + " fails at " + where);
        }
    }

    private final class Opened implements AttentionBackend {
        private final BackendContext context;

        Opened(BackendContext context) {
            this.context = context;
        }

        @Override
        public MemorySpace memorySpace() {
            return context.hostSpace();
        }

        @Override
        public CostProfile costProfile() {
            failAt(At.COST);
            return cost;
        }

        @Override
        public List<Rejection> refine(AttentionSpec spec, BatchShape batch, PlanOptions options) {
            failAt(At.REFINE);
            return refuses
                    ? List.of(
                            Rejection.failure(id, RejectionCode.RESOURCES, Phase.REFINE, Dimension.WORKSPACE,
                                    "its workspace is full", "wait", null))
                    : List.of();
        }

        @Override
        public BackendPlan plan(AttentionSpec spec, BatchShape batch, PlanOptions options) {
            failAt(At.PLAN);
            plans.incrementAndGet();
            return new FakePlan(FakeBackend.this, spec, batch, context.hostSpace().defaultQueue());
        }

        @Override
        public void close() {
            closes.incrementAndGet();
            failAt(At.CLOSE);
        }
    }
}
