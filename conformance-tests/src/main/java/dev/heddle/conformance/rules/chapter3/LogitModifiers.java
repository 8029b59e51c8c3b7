package dev.heddle.conformance.rules.chapter3;

import dev.heddle.conformance.ConformanceCase;
import dev.heddle.conformance.KitOptions;
import dev.heddle.conformance.Rule;
import dev.heddle.conformance.Subject;
import dev.heddle.conformance.declared.Declared;
import dev.heddle.conformance.rules.support.Cases;
import dev.heddle.core.attention.AttentionSpecBuilder;
import dev.heddle.core.attention.Feature;
import dev.heddle.core.attention.MaskKind;
import java.util.List;

/** 3.06: what changes a logit, in order. */
final class LogitModifiers implements Rule {
    private static final String ORDER = "scale, soft cap, bias, mask, and sinks last";

    @Override
    public String id() {
        return "3.06";
    }

    @Override
    public String claim() {
        return "sm_scale, soft cap, sinks and ALiBi, where declared, in the order that the papers give";
    }

    @Override
    public List<ConformanceCase> cases(Subject subject, KitOptions options) {
        Declared declared = new Declared(subject.provider().capabilities());
        Cases cases = new Cases(id(), declared, options);

        for (float scale : new float[]{0.25f, 1, 0.02f, -0.1f}) {
            check(cases, declared, declared.base().smScale(scale));
        }
        if (declared.has(Feature.SOFT_CAP)) {
            check(cases, declared, declared.base().logitsSoftCap(30));
            check(cases, declared, declared.base().logitsSoftCap(1.5f).smScale(0.5f));
        } else {
            cases.notDeclared("soft-cap", "feature SOFT_CAP is not declared");
        }
        if (declared.has(Feature.SINKS)) {
            check(cases, declared, declared.base().sinks(true));
        } else {
            cases.notDeclared("sinks", "feature SINKS is not declared");
        }
        if (declared.has(Feature.ALIBI)) {
            check(cases, declared, declared.base().alibi(true));
        } else {
            cases.notDeclared("alibi", "feature ALIBI is not declared");
        }
        if (declared.has(Feature.SOFT_CAP) && declared.has(Feature.ALIBI)) {
            // A cap of 1.5 before a bias of up to 75 and after it differ beyond doubt.
            check(cases, declared, declared.base().logitsSoftCap(1.5f).alibi(true));
        }
        if (declared.has(Feature.SOFT_CAP) && declared.has(Feature.SINKS)) {
            check(cases, declared, declared.base().logitsSoftCap(1.5f).sinks(true)); // sinks are not capped
        }
        if (declared.has(Feature.ALIBI) && declared.has(Feature.SINKS)) {
            check(cases, declared, declared.base().alibi(true).sinks(true));
        }
        return cases.orNotDeclared("never empty");
    }

    private static void check(Cases cases, Declared declared, AttentionSpecBuilder builder) {
        cases.check("", Cases.shape(declared, builder.build(), new int[]{1, 1}, new int[]{75, 41}), ORDER);
        if (declared.prefill()) {
            if (declared.has(MaskKind.CAUSAL)) {
                builder.causal();
            }
            cases.check("", Cases.shape(declared, builder.build(), new int[]{6, 9}, new int[]{75, 41}),
                    ORDER);
        }
    }
}
