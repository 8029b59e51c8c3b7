package dev.heddle.conformance.rules.chapter3;

import dev.heddle.conformance.ConformanceCase;
import dev.heddle.conformance.KitOptions;
import dev.heddle.conformance.Rule;
import dev.heddle.conformance.Subject;
import dev.heddle.conformance.declared.Declared;
import dev.heddle.conformance.rules.support.Cases;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.Feature;
import dev.heddle.core.capability.DtypeTuple;
import java.util.List;

/** 3.02: the LSE, natural logarithm. */
final class NaturalLse implements Rule {
    @Override
    public String id() {
        return "3.02";
    }

    @Override
    public String claim() {
        return "LSE is natural log, within 1e-3 of the oracle";
    }

    @Override
    public List<ConformanceCase> cases(Subject subject, KitOptions options) {
        Declared declared = new Declared(subject.provider().capabilities());
        Cases cases = new Cases(id(), declared, options);

        if (!declared.has(Feature.LSE)) {
            return cases.orNotDeclared("feature LSE is not declared");
        }
        for (DtypeTuple dtype : declared.dtypes()) {
            for (int kvLen : new int[]{1, 2, 63, declared.longKvLen()}) {
                AttentionSpec spec = declared.base(dtype).build();
                cases.check(Cases.shape(declared, spec, new int[]{1, 4}, new int[]{kvLen, kvLen + 1}));
            }
        }
        return cases.orNotDeclared("never empty");
    }
}
