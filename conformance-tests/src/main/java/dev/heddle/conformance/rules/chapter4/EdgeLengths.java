package dev.heddle.conformance.rules.chapter4;

import dev.heddle.conformance.ConformanceCase;
import dev.heddle.conformance.KitOptions;
import dev.heddle.conformance.Rule;
import dev.heddle.conformance.Subject;
import dev.heddle.conformance.declared.Declared;
import dev.heddle.conformance.rules.support.Cases;
import dev.heddle.core.attention.AttentionSpecBuilder;
import dev.heddle.core.attention.MaskKind;
import java.util.List;

/** 4.05: lengths at the edges of pages. */
final class EdgeLengths implements Rule {
    private static final String ALL = "every token counts up to kv_len";

    @Override
    public String id() {
        return "4.05";
    }

    @Override
    public String claim() {
        return "Lengths 1, p-1, p, p+1, 2p, and primes, for every declared page size p";
    }

    @Override
    public List<ConformanceCase> cases(Subject subject, KitOptions options) {
        Declared declared = new Declared(subject.provider().capabilities());
        Cases cases = new Cases(id(), declared, options);

        for (int page : declared.pageSizes()) {
            AttentionSpecBuilder builder = declared.base().pageSize(page);
            int[] edges = {1, Math.max(1, page - 1), page, page + 1, 2 * page};
            int[] primes = {2, 3, 17, 61, 127};
            for (int[] lens : new int[][]{edges, primes}) {
                // One case for each length, so that a failure names it, and one of all together.
                for (int len : lens) {
                    cases.check("", Cases.shape(declared, builder.build(), new int[]{1}, new int[]{len}),
                            ALL);
                }
                cases.check("", Cases.shape(declared, builder.build(), new int[]{1}, lens), ALL);
                if (declared.prefill()) {
                    AttentionSpecBuilder causal =
                            declared.has(MaskKind.CAUSAL) ? builder.build().toBuilder().causal() : builder;
                    cases.check("", Cases.shape(declared, causal.build(), new int[]{1, 2, 3}, lens), ALL);
                }
            }
        }
        return cases.orNotDeclared("never empty");
    }
}
