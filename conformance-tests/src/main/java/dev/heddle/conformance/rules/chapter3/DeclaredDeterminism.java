package dev.heddle.conformance.rules.chapter3;

import dev.heddle.conformance.ConformanceCase;
import dev.heddle.conformance.Kit;
import dev.heddle.conformance.KitOptions;
import dev.heddle.conformance.Rule;
import dev.heddle.conformance.Subject;
import dev.heddle.conformance.declared.Declared;
import dev.heddle.conformance.declared.Shape;
import dev.heddle.conformance.input.Output;
import dev.heddle.conformance.input.Placed;
import dev.heddle.conformance.input.Request;
import dev.heddle.conformance.rules.support.Cases;
import dev.heddle.core.attention.AttentionSpecBuilder;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.CustomMask;
import dev.heddle.core.attention.Determinism;
import dev.heddle.core.capability.DtypeTuple;
import dev.heddle.core.page.PageTable;
import dev.heddle.core.session.SessionPlan;
import dev.heddle.core.tensor.Tensor;
import java.util.Arrays;
import java.util.List;

/** 3.09: bits, not tolerances. */
final class DeclaredDeterminism implements Rule {
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
        for (DtypeTuple dtype : declared.dtypes()) {
            AttentionSpecBuilder builder = declared.base(dtype).determinism(level);
            Shape shape = Cases.shape(declared, builder.build(), new int[]{1, 3, 1}, new int[]{301, 64, 17});
            cases.numeric("run-to-run-" + shape.name(), kit -> runToRun(kit, declared, shape));
            if (level == Determinism.BATCH_INVARIANT) {
                cases.numeric("batch-invariant-" + shape.name(), kit -> alone(kit, declared, shape));
            } else {
                cases.notDeclared("batch-invariant", "determinism is RUN_TO_RUN");
            }
        }
        return cases.orNotDeclared("never empty");
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

    private static void alone(Kit kit, Declared declared, Shape shape) {
        Request request = Cases.request(declared, shape, kit.seed());
        Output together = kit.check(request);
        BatchShape batch = request.batch();
        for (int i = 0; i < batch.batchSize(); i++) {
            int from = batch.qoIndptr(i);
            int to = batch.qoIndptr(i + 1);
            if (!declared.capabilities().batchSize().contains(1) || to == from) {
                continue;
            }
            Output single = kit.run(single(request, i));
            kit.requireSameBits("request " + i + " alone and in a batch of " + batch.batchSize()
                    + " differ in their bits, though BATCH_INVARIANT is declared",
                    together.rows(from, to, batch.totalQoLen()), single);
        }
    }

    private static Request single(Request all, int request) {
        PageTable pages = all.batch().pageTable();
        int count = pages.pages(request);
        int[] ids = new int[count];
        Arrays.setAll(ids, p -> pages.kvIndex(pages.kvIndptr(request) + p));
        PageTable table = PageTable.of(pages.pageSize(), pages.poolPages(), new int[]{0, count}, ids,
                new int[]{pages.kvLastPageLen(request)});
        int qoLen = all.batch().qoLen(request);
        BatchShape batch = BatchShape.of(new int[]{0, qoLen}, table);
        Tensor q = all.q();
        long offset = q.byteOffset() + all.batch().qoIndptr(request) * q.stride(0) * q.dtype().byteSize();
        Tensor rows =
                Tensor.strided(q.buffer(), offset, q.dtype(), new long[]{qoLen, q.extent(1), q.extent(2)},
                        new long[]{q.stride(0), q.stride(1), 1});
        if (all.spec().customMask()) {
            CustomMask mask = all.batch().customMask();
            batch = batch.withMask(CustomMask.of(new int[]{0, qoLen}, table,
                    (i, row, key) -> mask == null || mask.visible(request, row, key, pages.kvLen(request))));
        }
        return new Request(all.spec(), batch, rows, all.kv(), all.heads());
    }
}
