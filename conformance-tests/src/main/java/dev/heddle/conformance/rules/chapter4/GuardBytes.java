package dev.heddle.conformance.rules.chapter4;

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
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.Strides;
import dev.heddle.core.capability.DtypeTuple;
import dev.heddle.core.session.SessionPlan;
import java.util.List;

/** 4.09: nothing is written beside what was asked for. */
final class GuardBytes implements Rule {
    @Override
    public String id() {
        return "4.09";
    }

    @Override
    public String claim() {
        return "Guard bytes around outputs, workspace and tables are intact";
    }

    @Override
    public List<ConformanceCase> cases(Subject subject, KitOptions options) {
        Declared declared = new Declared(subject.provider().capabilities());
        Cases cases = new Cases(id(), declared, options);

        for (Strides strides : declared.strides()) {
            for (DtypeTuple dtype : declared.dtypes()) {
                // Every head dim with the usual dtype, the usual head dim with every other.
                int count = dtype.equals(declared.plainDtype()) ? declared.headDims().size() : 1;
                for (int[] dims : declared.headDims().subList(0, count)) {
                    AttentionSpec spec =
                            declared.base(dtype).strides(strides).headDim(dims[0], dims[1]).build();
                    if (declared.aligned(spec)) {
                        Shape shape = Cases.shape(declared, spec, new int[]{1, 5}, new int[]{90, 33});
                        cases.shaped("", shape, s -> kit -> guarded(kit, declared, s));
                    }
                }
            }
        }
        return cases.orNotDeclared("no sampled value keeps the declared alignment");
    }

    private static void guarded(Kit kit, Declared declared, Shape shape) {
        Request request = Cases.request(declared, shape, kit.seed());
        try (Placed placed = kit.place(request)) {
            try (SessionPlan plan = kit.plan(request, kit.options())) {
                Output output = kit.runUnwatched(plan, placed);
                kit.requireNoTrespass(placed);
                kit.compare(request, output);
            }
            kit.requireNoTrespass(placed); // what the plan freed when it closed was checked then
        }
    }
}
