package dev.heddle.conformance.rules.chapter3;

import dev.heddle.conformance.ConformanceCase;
import dev.heddle.conformance.Kit;
import dev.heddle.conformance.KitOptions;
import dev.heddle.conformance.Rule;
import dev.heddle.conformance.Subject;
import dev.heddle.conformance.declared.Declared;
import dev.heddle.conformance.declared.Shape;
import dev.heddle.conformance.input.Company;
import dev.heddle.conformance.input.Output;
import dev.heddle.conformance.input.Placed;
import dev.heddle.conformance.input.Request;
import dev.heddle.conformance.rules.support.Cases;
import dev.heddle.core.attention.AttentionSpecBuilder;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.Determinism;
import dev.heddle.core.capability.DtypeTuple;
import dev.heddle.core.session.SessionPlan;
import java.util.Arrays;
import java.util.List;

/** 3.09: bits, not tolerances. */
final class DeclaredDeterminism implements Rule {
    private static final int CROWD = 280;
    private static final String WORDS = " differ in their bits, though BATCH_INVARIANT is declared";

    @Override
    public String id() {
        return "3.09";
    }

    @Override
    public String claim() {
        return "Declared determinism holds bit for bit: run to run, and across batch compositions";
    }

    @Override
    public List<ConformanceCase> cases(Subject subject, KitOptions options) {
        Declared declared = new Declared(subject.provider().capabilities());
        Cases cases = new Cases(id(), declared, options);

        Determinism level = declared.capabilities().determinism();
        if (level == Determinism.NONE) {
            return cases.orNotDeclared("determinism is NONE");
        }
        boolean invariant = level == Determinism.BATCH_INVARIANT;
        for (DtypeTuple dtype : declared.dtypes()) {
            AttentionSpecBuilder builder = declared.base(dtype);
            // Whoever promises more may do so in another way than who promises this.
            Shape repeated = shape(declared, builder.determinism(Determinism.RUN_TO_RUN));
            cases.shaped("run-to-run-", repeated, s -> kit -> runToRun(kit, declared, s));
            if (!invariant) {
                cases.notDeclared("batch-invariant", "determinism is RUN_TO_RUN");
                continue;
            }
            Shape shape = shape(declared, builder.determinism(level));
            cases.shaped("run-to-run-", shape, s -> kit -> runToRun(kit, declared, s));
            cases.shaped("batch-invariant-", shape, s -> kit -> inOtherCompany(kit, declared, s));
        }
        return cases.orNotDeclared("never empty");
    }

    private static Shape shape(Declared declared, AttentionSpecBuilder builder) {
        return Cases.shape(declared, builder.build(), new int[]{1, 3, 1}, new int[]{301, 64, 17});
    }

    private static void runToRun(Kit kit, Declared declared, Shape shape) {
        Request request = Cases.request(declared, shape, kit.seed());
        Output first = kit.check(request);
        try (Placed placed = kit.place(request);
                SessionPlan plan = kit.plan(request, kit.options())) {
            for (int i = 0; i < 3; i++) {
                placed.poison();
                kit.requireSameBits(
                        "two runs of the same inputs differ in their bits, though determinism is declared",
                        first, kit.run(plan, placed));
            }
        }
    }

    private static void inOtherCompany(Kit kit, Declared declared, Shape shape) {
        Request request = Cases.request(declared, shape, kit.seed());
        Output together = kit.check(request);
        BatchShape batch = request.batch();
        int last = batch.batchSize() - 1;
        for (int i = 0; i <= last; i++) {
            if (batch.qoLen(i) > 0 && declared.capabilities().batchSize().contains(1)) {
                kit.requireSameBits("request " + i + " alone and in a batch of " + batch.batchSize() + WORDS,
                        Company.rows(together, batch, i), kit.run(Company.of(request, i)));
            }
        }
        // Enough rows for any device, which then has no reason to cut a sequence.
        int[] order = new int[CROWD + last];
        Arrays.setAll(order, i -> i < CROWD ? last : order.length - 1 - i);
        if (last > 0 && declared.capabilities().batchSize().contains(order.length)) {
            Request crowd = Company.of(request, order);
            Output among = kit.run(crowd);
            for (int at = CROWD; at < order.length; at++) {
                kit.requireSameBits("request " + order[at] + " in a batch of " + batch.batchSize() + " and in"
                        + " one of " + order.length + WORDS, Company.rows(together, batch, order[at]),
                        Company.rows(among, crowd.batch(), at));
            }
        }
    }
}
