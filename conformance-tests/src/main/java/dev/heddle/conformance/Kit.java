package dev.heddle.conformance;

import dev.heddle.conformance.input.Output;
import dev.heddle.conformance.input.Placed;
import dev.heddle.conformance.input.Request;
import dev.heddle.conformance.oracle.Bounds;
import dev.heddle.conformance.oracle.Expected;
import dev.heddle.conformance.oracle.Oracle;
import dev.heddle.conformance.oracle.ReferenceError;
import dev.heddle.core.Evolving;
import dev.heddle.core.attention.PlanOptions;
import dev.heddle.core.capability.Capabilities;
import dev.heddle.core.capability.Phase;
import dev.heddle.core.capability.UnsupportedRequestException;
import dev.heddle.core.session.BackendFailureException;
import dev.heddle.core.session.BackendSession;
import dev.heddle.core.session.SessionPlan;
import dev.heddle.core.tensor.MemorySpace;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * What the body of one case works with: the opened subject, seeded inputs, runs into poisoned outputs between guard
 * zones, comparison with the oracle.
 *
 * @since 0.1
 */
@Evolving
public final class Kit {
    /** How far an LSE may lie from the oracle's: rule 3.02. */
    public static final double LSE_BOUND = 1e-3;

    private final Bench bench;
    private final ConformanceCase kase;
    private @Nullable ErrorStats errors;

    Kit(Bench bench, ConformanceCase kase) {
        this.bench = bench;
        this.kase = kase;
    }

    /** Returns a seed for inputs from a name: well mixed, the same on every machine. */
    public static long seedOf(String name) {
        long hash = 0xCBF29CE484222325L; // FNV-1a
        for (int i = 0; i < name.length(); i++) {
            hash = (hash ^ name.charAt(i)) * 0x100000001B3L;
        }
        return hash ^ hash >>> 29;
    }

    /** Returns this case's seed. */
    public long seed() {
        return kase.seed();
    }

    /** Returns the backend under test. */
    public Subject subject() {
        return bench.subject();
    }

    /** Returns the bench, for cases that open sessions of their own. */
    public Bench bench() {
        return bench;
    }

    /** Returns the shared session, which cases do not close. */
    public BackendSession session() {
        return bench.session();
    }

    /** Returns the subject's declaration. */
    public Capabilities capabilities() {
        return bench.subject().provider().capabilities();
    }

    /** Returns the memory that the subject reads. */
    public MemorySpace space() {
        return session().memorySpace();
    }

    /** Returns default plan options in the subject's memory. */
    public PlanOptions options() {
        return PlanOptions.in(space().id());
    }

    /** Copies a request into the subject's memory; the caller closes it. */
    public Placed place(Request request) {
        return new Placed(space(), request, capabilities().alignment());
    }

    /** Makes a plan, turning whatever goes wrong into a failure that names the request. */
    public SessionPlan plan(Request request, PlanOptions options) {
        TableWatch watch = new TableWatch(request.batch());
        try {
            SessionPlan plan = session().plan(request.spec(), request.batch(), options);
            watch.requireUnchanged("making a plan");
            return plan;
        } catch (UnsupportedRequestException e) {
            if (e.rejections().stream().allMatch(r -> r.phase() == Phase.REFINE)) {
                // The declaration is that of the best device; a backend may know that this one cannot.
                throw new NotDeclaredException("not on this device: " + e.getMessage());
            }
            throw new ConformanceFailure(
                    "a declared request was refused: " + request.spec() + ", " + request.batch() + ": "
                            + e.getMessage(),
                    e);
        } catch (BackendFailureException e) {
            throw new ConformanceFailure(
                    "a declared request was refused: " + request.spec() + ", " + request.batch() + ": "
                            + e.getMessage(),
                    e);
        }
    }

    /** Plans and runs a request once. Outputs start poisoned, so what is not written shows. */
    public Output run(Request request) {
        return run(request, options -> options);
    }

    /** As {@link #run(Request)}, with plan options changed. */
    public Output run(Request request, UnaryOperator<PlanOptions> change) {
        try (Placed placed = place(request);
                SessionPlan plan = plan(request, change.apply(options()))) {
            return run(plan, placed);
        }
    }

    /**
     * Runs a plan once on placed inputs and reads what it wrote.
     *
     * @throws ConformanceFailure also if the run wrote anything but its outputs
     */
    public Output run(SessionPlan plan, Placed placed) {
        Output output = runUnwatched(plan, placed);
        requireNoTrespass(placed);
        return output;
    }

    /** As {@link #run(SessionPlan, Placed)}, for cases that look themselves at what else was written. */
    public Output runUnwatched(SessionPlan plan, Placed placed) {
        TableWatch watch = new TableWatch(plan.batch());
        try {
            plan.run(placed.q(), placed.kv(), placed.out(), placed.lse(), placed.heads());
            plan.queue().synchronize();
        } catch (BackendFailureException e) {
            throw new ConformanceFailure("a declared request failed at run time, " + plan.spec() + ", "
                    + plan.batch() + ": " + e.getMessage(), e);
        }
        watch.requireUnchanged("a run");
        return placed.read();
    }

    /** Runs a request and compares it with the oracle. */
    public Output check(Request request) {
        return check(request, options -> options);
    }

    /** As {@link #check(Request)}, with plan options changed. */
    public Output check(Request request, UnaryOperator<PlanOptions> change) {
        Output output = run(request, change);
        compare(request, output);
        return output;
    }

    /**
     * Compares an output with the oracle: the errors of out by rule 3.01, those of the LSE by rule 3.02; NaN and
     * infinity exactly where the oracle has them.
     *
     * @throws ConformanceFailure saying which element is off and by how much
     */
    public ErrorStats compare(Request request, Output output) {
        Expected expected =
                Oracle.attend(request.spec(), request.batch(), request.q(), request.kv(), request.heads());
        Bounds bounds = ReferenceError.bounds(
                request.spec(), request.batch(), request.q(), request.kv(), request.heads(), expected);
        Comparison comparison = new Comparison(request, output, expected);
        ErrorStats stats = comparison.stats(bounds);
        errors = errors == null ? stats : errors.worse(stats);
        comparison.require(stats);
        return stats;
    }

    /** Returns the errors nearest to their bounds so far, or null if nothing was compared. */
    public @Nullable ErrorStats errors() {
        return errors;
    }

    /** Fails unless both outputs are equal bit for bit. */
    public void requireSameBits(String what, Output one, Output other) {
        String difference = one.firstDifference(other);
        if (!difference.isEmpty()) {
            throw new ConformanceFailure(what + ": " + difference);
        }
    }

    /** Fails if a guard byte, a gap or an input was written. */
    public void requireNoTrespass(Placed placed) {
        String trespass = placed.trespass();
        if (!trespass.isEmpty()) {
            throw new ConformanceFailure(trespass + " by a run of " + placed.request().spec());
        }
        bench.arenas().takeDamage().ifPresent(damage -> {
            throw new ConformanceFailure(damage);
        });
    }

    /** Fails with a message. */
    public ConformanceFailure failure(String message) {
        return new ConformanceFailure(message);
    }
}
