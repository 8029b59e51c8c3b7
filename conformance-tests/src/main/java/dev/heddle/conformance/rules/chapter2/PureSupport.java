package dev.heddle.conformance.rules.chapter2;

import dev.heddle.conformance.ConformanceCase;
import dev.heddle.conformance.ConformanceFailure;
import dev.heddle.conformance.Kit;
import dev.heddle.conformance.KitOptions;
import dev.heddle.conformance.Rule;
import dev.heddle.conformance.Subject;
import dev.heddle.conformance.declared.Declared;
import dev.heddle.conformance.declared.Neighbour;
import dev.heddle.conformance.declared.Neighbours;
import dev.heddle.conformance.input.Request;
import dev.heddle.conformance.input.RequestBuilder;
import dev.heddle.conformance.rules.support.Cases;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.PlanOptions;
import dev.heddle.core.capability.Support;
import java.util.List;

/** 2.05: asking has no effect, and the answer depends on nothing else. */
final class PureSupport implements Rule {
    @Override
    public String id() {
        return "2.05";
    }

    @Override
    public String claim() {
        return "Support is a pure function of declaration, spec and batch";
    }

    private static final int TIMES = 4;

    @Override
    public List<ConformanceCase> cases(Subject subject, KitOptions options) {
        Declared declared = new Declared(subject.provider().capabilities());
        Cases cases = new Cases(id(), declared, options);
        cases.plain("declared", kit -> pure(kit, declared));
        for (Neighbour neighbour : Neighbours.of(declared)) {
            cases.plain(neighbour.name(),
                    kit -> same(kit, neighbour.spec(), neighbour.batch(), neighbour.options()));
        }
        return cases.orNotDeclared("never empty");
    }

    private static void pure(Kit kit, Declared declared) {
        for (int pageSize : declared.pageSizes()) {
            for (int group : declared.groupSizes()) {
                AttentionSpec spec =
                        declared.builder(group, declared.kvHeads(1), declared.headDims().getFirst(),
                                pageSize, declared.plainDtype()).build();
                same(kit, spec, RequestBuilder.of(spec).qoLens(declared.qoLens(1)).kvLens(declared.kvLens(33))
                        .seed(kit.seed()).batchOnly(), kit.options());
            }
        }
        // A plan and a run in between must not change the answer.
        AttentionSpec spec = declared.base().build();
        Request request = Cases.request(
                declared, Cases.shape(declared, spec, new int[]{1}, new int[]{33}), kit.seed());
        Support before = kit.session().support(spec, request.batch(), kit.options());
        kit.run(request);
        differ(before, kit.session().support(spec, request.batch(), kit.options()), spec);
    }

    private static void same(Kit kit, AttentionSpec spec, BatchShape batch, PlanOptions options) {
        Support first = kit.session().support(spec, batch, options);
        for (int i = 1; i < TIMES; i++) {
            differ(first, kit.session().support(spec, batch, options), spec);
        }
        // Equal specs are interchangeable: one built anew must get the same answer.
        differ(first, kit.session().support(spec.toBuilder().build(), batch, options), spec);
    }

    private static void differ(Support first, Support later, AttentionSpec spec) {
        if (!first.equals(later)) {
            throw new ConformanceFailure(
                    "support of " + spec + " must be a pure function, but was first " + first
                            + " and later " + later);
        }
    }
}
