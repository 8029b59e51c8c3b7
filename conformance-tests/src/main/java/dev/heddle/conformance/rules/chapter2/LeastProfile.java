package dev.heddle.conformance.rules.chapter2;

import dev.heddle.conformance.ConformanceCase;
import dev.heddle.conformance.ConformanceFailure;
import dev.heddle.conformance.Kit;
import dev.heddle.conformance.KitOptions;
import dev.heddle.conformance.NotDeclaredException;
import dev.heddle.conformance.Rule;
import dev.heddle.conformance.Subject;
import dev.heddle.conformance.declared.Declared;
import dev.heddle.conformance.rules.support.Cases;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.capability.Capabilities;
import dev.heddle.core.capability.DtypeTuple;
import java.util.List;
import java.util.Optional;

/** 2.07: what every engine may count on. */
final class LeastProfile implements Rule {
    @Override
    public String id() {
        return "2.07";
    }

    @Override
    public String claim() {
        return "The least profile: group sizes 1, 4 and 7, head dim 128, page size 16, one 16-bit dtype, decode";
    }

    @Override
    public List<ConformanceCase> cases(Subject subject, KitOptions options) {
        Declared declared = new Declared(subject.provider().capabilities());
        Cases cases = new Cases(id(), declared, options);
        for (int group : new int[]{1, 4, 7}) {
            cases.numeric("g" + group + "-d128-p16-decode", kit -> least(kit, declared, group));
        }
        return cases.orNotDeclared("never empty");
    }

    private static void least(Kit kit, Declared declared, int group) {
        Capabilities can = declared.capabilities();
        Optional<DtypeTuple> dtype =
                declared.dtype(t -> t.q().byteSize() == 2 && t.k() == t.q() && t.v() == t.q());
        String missing = !can.groupSizes().contains(group) ? "group size " + group
                : can.headDims().stream().noneMatch(d -> d.contains(128, 128)) ? "head dim 128"
                        : !can.pageSizes().contains(16) ? "page size 16"
                                : dtype.isEmpty() ? "a 16-bit dtype for q, K and V"
                                        : !can.qoLen().contains(1) ? "decode, qo_len 1"
                                                : "";
        if (!missing.isEmpty()) {
            throw new ConformanceFailure(
                    missing + " is part of the least profile and is not declared: the backend may"
                            + " register, but does not conform");
        }
        AttentionSpec spec = declared.builder(
                group, declared.kvHeads(4), new int[]{128, 128}, 16, dtype.orElseThrow()).build();
        kit.session(); // without a device the case does not apply
        try {
            kit.check(Cases.request(declared, Cases.shape(declared, spec, new int[]{1},
                    new int[]{33, 128, 301}), kit.seed()));
        } catch (NotDeclaredException e) {
            throw new ConformanceFailure("group size " + group
                    + " is part of the least profile, and this device"
                    + " refuses it: the backend may register, but does not conform; " + e.getMessage(), e);
        }
    }
}
