package dev.heddle.conformance.rules.chapter3;

import dev.heddle.conformance.ConformanceCase;
import dev.heddle.conformance.KitOptions;
import dev.heddle.conformance.Rule;
import dev.heddle.conformance.Subject;
import dev.heddle.conformance.declared.Declared;
import dev.heddle.conformance.rules.support.Cases;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.AttentionSpecBuilder;
import dev.heddle.core.attention.MaskKind;
import dev.heddle.core.capability.DtypeTuple;
import java.util.List;
import java.util.Random;

/** 3.01: errors measured, not tolerated. */
final class ErrorBound implements Rule {
    @Override
    public String id() {
        return "3.01";
    }

    @Override
    public String claim() {
        return "Against the fp64 oracle, max error <= 2x and mean error <= 1.5x those of a reference that rounds where the dtype does";
    }

    @Override
    public List<ConformanceCase> cases(Subject subject, KitOptions options) {
        Declared declared = new Declared(subject.provider().capabilities());
        Cases cases = new Cases(id(), declared, options);

        Random random = new Random(options.seed());
        for (DtypeTuple dtype : declared.dtypes()) {
            for (int[] dims : declared.headDims()) {
                // The usual head dim in four ways, every other in one.
                int ways = dims == declared.headDims().getFirst() ? 4 : 1;
                for (int i = 0; i < ways; i++) {
                    int group = declared.groupSizes().get(random.nextInt(declared.groupSizes().size()));
                    int page = declared.pageSizes().get(random.nextInt(declared.pageSizes().size()));
                    AttentionSpecBuilder builder = declared.builder(
                            Math.min(group, 16) == group ? group : declared.groupSizes().getFirst(),
                            declared.kvHeads(2), dims, page, dtype);
                    if (i > 1 && declared.has(MaskKind.CAUSAL)) {
                        builder.causal();
                    }
                    AttentionSpec spec = builder.build();
                    int longest = declared.longKvLen();
                    int[] kvLens =
                            {longest - random.nextInt(1 + longest / 4), 1 + random.nextInt(longest / 2 + 1)};
                    int[] qoLens = i % 2 == 0 ? new int[]{1, 1} : new int[]{2 + random.nextInt(4), 5};
                    if (declared.aligned(spec)) {
                        cases.check(Cases.shape(declared, spec, qoLens, kvLens));
                    }
                }
            }
        }
        return cases.orNotDeclared("no sampled value keeps the declared alignment");
    }
}
