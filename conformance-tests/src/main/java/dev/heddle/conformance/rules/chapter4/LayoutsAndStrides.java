package dev.heddle.conformance.rules.chapter4;

import dev.heddle.conformance.ConformanceCase;
import dev.heddle.conformance.KitOptions;
import dev.heddle.conformance.Rule;
import dev.heddle.conformance.Subject;
import dev.heddle.conformance.declared.Declared;
import dev.heddle.conformance.rules.support.Cases;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.KvLayout;
import dev.heddle.core.attention.Strides;
import dev.heddle.core.capability.DtypeTuple;
import java.util.List;

/** 4.08: every way to lie in memory. */
final class LayoutsAndStrides implements Rule {
    private static final String OWN =
            "elements lie where each tensor's own strides say, K's and V's differ";

    @Override
    public String id() {
        return "4.08";
    }

    @Override
    public String claim() {
        return "NHD and HND, strided q and out, unequal K and V strides";
    }

    @Override
    public List<ConformanceCase> cases(Subject subject, KitOptions options) {
        Declared declared = new Declared(subject.provider().capabilities());
        Cases cases = new Cases(id(), declared, options);

        for (KvLayout layout : declared.layouts()) {
            for (Strides strides : declared.strides()) {
                for (DtypeTuple dtype : declared.dtypes()) {
                    AttentionSpec spec = declared.base(dtype).kvLayout(layout).strides(strides).build();
                    cases.check("", Cases.shape(declared, spec, new int[]{1, 1}, new int[]{75, 40}), OWN);
                    cases.check("", Cases.shape(declared, spec, new int[]{3, 9}, new int[]{75, 40}), OWN);
                }
            }
        }
        // K and V of unequal rows: what one of them needs (padding, staging) must not change the other's order.
        for (KvLayout layout : declared.layouts()) {
            for (int[] dims : declared.headDims()) {
                AttentionSpec spec = declared.base().kvLayout(layout).headDim(dims[0], dims[1]).build();
                if (dims[0] != dims[1] && declared.aligned(spec)) {
                    cases.check("", Cases.shape(declared, spec, new int[]{1, 1}, new int[]{75, 40}), OWN);
                }
            }
        }
        for (KvLayout layout : KvLayout.values()) {
            if (!declared.layouts().contains(layout)) {
                cases.notDeclared(layout.name(), "layout " + layout + " is not declared");
            }
        }
        if (declared.strides().size() == 1) {
            cases.notDeclared("strided", "strides are DENSE only");
        }
        return cases.orNotDeclared("never empty");
    }
}
