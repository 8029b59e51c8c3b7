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
import dev.heddle.conformance.declared.Shape;
import dev.heddle.conformance.rules.support.Cases;
import dev.heddle.core.capability.Rejection;
import dev.heddle.core.capability.UnsupportedRequestException;
import dev.heddle.core.session.BackendFailureException;
import dev.heddle.core.session.SessionPlan;
import java.util.List;

/** 2.03: one step outside, in each dimension. */
final class NeighboursRefused implements Rule {
    @Override
    public String id() {
        return "2.03";
    }

    @Override
    public String claim() {
        return "Each undeclared neighbour is refused at plan time with a rejection naming dimension, requested and allowed; never at run time";
    }

    @Override
    public List<ConformanceCase> cases(Subject subject, KitOptions options) {
        Declared declared = new Declared(subject.provider().capabilities());
        Cases cases = new Cases(id(), declared, options);
        for (Neighbour neighbour : Neighbours.of(declared)) {
            cases.plain(neighbour.name() + "-" + Shape.nameOf(neighbour.spec()),
                    kit -> refused(kit, neighbour));
        }
        return cases.orNotDeclared("everything is declared: there is no neighbour");
    }

    private static void refused(Kit kit, Neighbour neighbour) {
        String asked = neighbour.dimension().id() + " " + neighbour.requested();
        try (SessionPlan plan =
                kit.session().plan(neighbour.spec(), neighbour.batch(), neighbour.options())) {
            throw new ConformanceFailure(
                    asked + " is not declared, yet a plan was made by " + plan.backendId()
                            + " instead of a rejection");
        } catch (UnsupportedRequestException e) {
            Rejection named = e.rejections().stream()
                    .filter(r -> r.dimension() == neighbour.dimension())
                    .findFirst()
                    .orElseThrow(() -> new ConformanceFailure("no rejection names dimension "
                            + neighbour.dimension().id() + " for " + asked + ", got " + e.getMessage()));
            boolean complete = named.requested().equals(neighbour.requested())
                    && !named.allowed().isBlank()
                    && named.backendId().equals(kit.subject().id())
                    && named.message().contains(named.requested())
                    && named.message().contains(named.allowed());
            if (!complete) {
                throw new ConformanceFailure(
                        "the rejection of " + asked + " must name backend, dimension, requested ("
                                + neighbour.requested() + ") and allowed, also in its message, got " + named);
            }
        } catch (BackendFailureException e) {
            throw new ConformanceFailure(
                    asked + " is not declared and must be refused with a rejection, but the"
                            + " backend was asked and failed: " + e.getMessage(),
                    e);
        }
    }
}
