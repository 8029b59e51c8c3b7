package dev.heddle.conformance.rules.chapter7;

import dev.heddle.conformance.ConformanceCase;
import dev.heddle.conformance.Kit;
import dev.heddle.conformance.KitOptions;
import dev.heddle.conformance.Rule;
import dev.heddle.conformance.Subject;
import dev.heddle.conformance.house.Planners;
import dev.heddle.conformance.input.Placed;
import dev.heddle.conformance.input.Request;
import dev.heddle.core.spi.AttentionBackendProvider;
import dev.heddle.planner.PlanRequest;
import java.util.List;

/** Rule 7.04. */
final class NoneLeft implements Rule {
    @Override
    public String id() {
        return "7.04";
    }

    @Override
    public String claim() {
        return "With no backend left, one error lists every backend's reasons";
    }

    @Override
    public List<ConformanceCase> cases(Subject subject, KitOptions options) {
        return List.of(
                ConformanceCase.plain(id(), Asked.shape(subject, "none.can"), options, this::noneCan),
                ConformanceCase.plain(id(), Asked.shape(subject, "all.failed"), options, this::allFailed));
    }

    private void noneCan(Kit kit) {
        Request request = Asked.request(kit, 33);
        AttentionBackendProvider subject = kit.subject().provider();
        try (Planners.Planner planner = kit.subject().house().planners().open(List.of(
                new Companion("kit-narrow", subject, Companion.Fault.NARROW),
                new Companion("kit-narrower", subject, Companion.Fault.NARROW)))) {
            Asked.requireReasonsOf("no backend can", List.of("kit-narrow", "kit-narrower"),
                    () -> planner.plan(request.spec(), request.batch(), PlanRequest.DEFAULT).close());
        }
    }

    private void allFailed(Kit kit) {
        Request request = Asked.request(kit, 33);
        AttentionBackendProvider subject = kit.subject().provider();
        try (Planners.Planner planner = kit.subject().house().planners().open(List.of(
                new Companion("kit-faulty", subject, Companion.Fault.FAILS_TO_RUN),
                new Companion("kit-shut", subject, Companion.Fault.FAILS_TO_OPEN),
                new Companion("kit-broken", subject, Companion.Fault.FAILS_TO_PLAN),
                new Companion("kit-narrow", subject, Companion.Fault.NARROW)));
                Placed placed = Asked.place(kit, planner, request)) {
            Asked.requireReasonsOf("every backend failed",
                    List.of("kit-faulty", "kit-shut", "kit-broken", "kit-narrow"),
                    () -> {
                        try (Planners.Planned plan =
                                planner.plan(request.spec(), request.batch(), PlanRequest.DEFAULT)) {
                            plan.run(placed);
                        }
                    });
        }
    }
}
