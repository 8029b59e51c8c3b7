package dev.heddle.conformance.rules.chapter3;

import dev.heddle.conformance.ConformanceCase;
import dev.heddle.conformance.KitOptions;
import dev.heddle.conformance.Rule;
import dev.heddle.conformance.Subject;
import dev.heddle.conformance.declared.Declared;
import dev.heddle.conformance.rules.support.Cases;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.KvQuantisation;
import dev.heddle.core.capability.DtypeTuple;
import java.util.List;

/** 3.10: scales applied once, per tensor or per head. */
final class QuantisedKv implements Rule {
    private static final String ONCE = "scales of K and V apply once";

    @Override
    public String id() {
        return "3.10";
    }

    @Override
    public String claim() {
        return "Quantised KV: scales applied once, checked against the oracle on the dequantised values";
    }

    @Override
    public List<ConformanceCase> cases(Subject subject, KitOptions options) {
        Declared declared = new Declared(subject.provider().capabilities());
        Cases cases = new Cases(id(), declared, options);

        for (DtypeTuple dtype : declared.dtypes()) {
            for (KvQuantisation quantisation : declared.quantisations()) {
                if (quantisation == KvQuantisation.NONE) {
                    continue;
                }
                AttentionSpec spec = declared.base(dtype).kvQuantisation(quantisation).build();
                cases.check("", Cases.shape(declared, spec, new int[]{1, 1}, new int[]{75, 130}), ONCE);
                cases.check("", Cases.shape(declared, spec, new int[]{3, 8}, new int[]{40, 65}), ONCE);
                int[] dims = declared.headDims().getLast();
                AttentionSpec other = spec.toBuilder().headDim(dims[0], dims[1]).build();
                if (declared.aligned(other)) {
                    cases.check("", Cases.shape(declared, other, new int[]{1, 1}, new int[]{75, 130}), ONCE);
                }
            }
        }
        return cases.orNotDeclared("kv quantisation is NONE only");
    }
}
