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
import dev.heddle.conformance.declared.Pairwise;
import dev.heddle.conformance.declared.Shape;
import dev.heddle.conformance.input.RequestBuilder;
import dev.heddle.conformance.rules.support.Cases;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.PlanOptions;
import dev.heddle.core.capability.Rejection;
import dev.heddle.core.capability.Support;
import dev.heddle.core.capability.UnsupportedRequestException;
import dev.heddle.core.session.BackendFailureException;
import dev.heddle.core.session.SessionPlan;
import java.util.List;

/** 2.06: support and plan agree, in both directions. */
final class ExplainIsPlan implements Rule {
    @Override
    public String id() {
        return "2.06";
    }

    @Override
    public String claim() {
        return "What explain says is what plan does";
    }

    @Override
    public List<ConformanceCase> cases(Subject subject, KitOptions options) {
        Declared declared = new Declared(subject.provider().capabilities());
        Cases cases = new Cases(id(), declared, options);
        for (Neighbour neighbour : Neighbours.of(declared)) {
            cases.plain(neighbour.name(),
                    kit -> agree(kit, neighbour.spec(), neighbour.batch(), neighbour.options()));
        }
        int[] sizes = {
                declared.groupSizes().size(), declared.headDims().size(), declared.pageSizes().size(),
                declared.dtypes().size(), declared.layouts().size()
        };
        for (int[] row : Pairwise.cover(sizes, options.seed())) {
            AttentionSpec spec = declared.builder(
                    declared.groupSizes().get(row[0]), declared.kvHeads(1), declared.headDims().get(row[1]),
                    declared.pageSizes().get(row[2]), declared.dtypes().get(row[3]))
                    .kvLayout(declared.layouts().get(row[4])).build();
            cases.plain(Shape.nameOf(spec), kit -> agree(kit, spec,
                    RequestBuilder.of(spec).qoLens(declared.qoLens(1)).kvLens(declared.kvLens(33))
                            .batchOnly(),
                    kit.options()));
        }
        return cases.orNotDeclared("never empty");
    }

    private static void agree(Kit kit, AttentionSpec spec, BatchShape batch, PlanOptions options) {
        Support said = kit.session().support(spec, batch, options);
        List<Rejection> done;
        try (SessionPlan plan = kit.session().plan(spec, batch, options)) {
            done = List.of();
            if (!plan.spec().equals(spec)) {
                throw new ConformanceFailure("a plan was made for " + plan.spec() + " instead of " + spec);
            }
        } catch (UnsupportedRequestException e) {
            done = e.rejections();
        } catch (BackendFailureException e) {
            throw new ConformanceFailure("explain says " + (said.isSupported() ? "supported" : "unsupported")
                    + ", but plan fails for " + spec + ": " + e.getMessage(), e);
        }
        if (!said.rejections().equals(done)) {
            throw new ConformanceFailure(
                    "explain says " + said.rejections() + " of " + spec + ", but plan does "
                            + (done.isEmpty() ? "make a plan" : String.valueOf(done)));
        }
    }
}
