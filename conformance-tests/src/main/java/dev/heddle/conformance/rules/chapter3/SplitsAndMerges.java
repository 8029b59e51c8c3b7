package dev.heddle.conformance.rules.chapter3;

import dev.heddle.conformance.ConformanceCase;
import dev.heddle.conformance.Kit;
import dev.heddle.conformance.KitOptions;
import dev.heddle.conformance.Rule;
import dev.heddle.conformance.Subject;
import dev.heddle.conformance.declared.Declared;
import dev.heddle.conformance.declared.Shape;
import dev.heddle.conformance.input.Output;
import dev.heddle.conformance.input.Request;
import dev.heddle.conformance.rules.support.Cases;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.Feature;
import dev.heddle.core.attention.PartialResults;
import dev.heddle.core.attention.PlanOptions;
import dev.heddle.core.capability.DtypeTuple;
import dev.heddle.core.page.PageTable;
import dev.heddle.core.tensor.DataType;
import dev.heddle.core.tensor.HostTensors;
import dev.heddle.core.tensor.Tensor;
import java.util.List;
import java.util.Optional;

/** 3.08: parts over disjoint keys are one whole. */
final class SplitsAndMerges implements Rule {
    @Override
    public String id() {
        return "3.08";
    }

    @Override
    public String claim() {
        return "Forced split counts agree, and partial results merge to the whole in any order";
    }

    @Override
    public List<ConformanceCase> cases(Subject subject, KitOptions options) {
        Declared declared = new Declared(subject.provider().capabilities());
        Cases cases = new Cases(id(), declared, options);

        if (declared.has(Feature.FORCED_SPLITS)) {
            for (int splits : new int[]{1, 2, 3, 5, 16}) {
                AttentionSpec spec = declared.base().build();
                Shape shape = Cases.shape(declared, spec, new int[]{1, 2, 1}, new int[]{201, 64, 3});
                cases.shaped("splits" + splits + "-", shape,
                        s -> kit -> Cases.hinted(splits + " splits forced",
                                () -> kit.check(Cases.request(declared, s, kit.seed()),
                                        o -> o.withKvSplits(splits))));
            }
        } else {
            cases.notDeclared("splits", "feature FORCED_SPLITS is not declared");
        }
        Optional<DtypeTuple> f32Out = declared.dtype(t -> t.out() == DataType.F32);
        if (declared.has(Feature.PARTIAL) && declared.has(Feature.LSE) && f32Out.isPresent()) {
            AttentionSpec spec = declared.base(f32Out.get()).lse(true).build();
            for (int[] order : new int[][]{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1},
                    {2, 1, 0}}) {
                Shape shape = Cases.shape(
                        declared, spec, new int[]{1, 1},
                        new int[]{5 * spec.pageSize() + 1, 3 * spec.pageSize()});
                cases.shaped("merge" + order[0] + order[1] + order[2] + "-", shape,
                        s -> kit -> merged(kit, declared, s, order));
            }
        } else {
            cases.notDeclared("merge",
                    "features PARTIAL and LSE with a dtype tuple of f32 output are not declared");
        }
        return cases.orNotDeclared("never empty");
    }

    /** Cuts every request's pages into three, runs each third, merges the thirds in an order. */
    private static void merged(Kit kit, Declared declared, Shape shape, int[] order) {
        Request whole = Cases.request(declared, shape, kit.seed());
        AttentionSpec spec = whole.spec();
        int rows = whole.batch().totalQoLen();
        Tensor out = null;
        Tensor lse = null;
        for (int part : order) {
            Output output = kit.run(whole.withBatch(part(whole.batch(), part)), PlanOptions::asPartial);
            Tensor partOut = Tensor.of(output.out(), rows, spec.numQoHeads(), spec.headDimVo());
            Tensor partLse = Tensor.of(output.lse(), rows, spec.numQoHeads());
            if (out == null || lse == null) {
                out = partOut;
                lse = partLse;
            } else {
                PartialResults.merge(out, lse, partOut, partLse);
            }
        }
        kit.compare(whole, new Output(HostTensors.toFloats(out), HostTensors.toFloats(lse)));
    }

    private static BatchShape part(BatchShape whole, int part) {
        PageTable pages = whole.pageTable();
        int batch = pages.batchSize();
        int[] indptr = new int[batch + 1];
        int[] last = new int[batch];
        int[] ids = new int[pages.totalPages()];
        int next = 0;
        for (int i = 0; i < batch; i++) {
            int from = pages.pages(i) * part / 3;
            int to = pages.pages(i) * (part + 1) / 3;
            for (int p = from; p < to; p++) {
                ids[next++] = pages.kvIndex(pages.kvIndptr(i) + p);
            }
            indptr[i + 1] = next;
            last[i] = to == from ? 0 : to == pages.pages(i) ? pages.kvLastPageLen(i) : pages.pageSize();
        }
        int[] qoIndptr = new int[batch + 1];
        whole.copyQoIndptr(qoIndptr, 0);
        return BatchShape.of(qoIndptr, PageTable.of(pages.pageSize(), pages.poolPages(), indptr, ids, last));
    }
}
