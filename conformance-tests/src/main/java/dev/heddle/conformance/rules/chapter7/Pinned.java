package dev.heddle.conformance.rules.chapter7;

import dev.heddle.conformance.ConformanceCase;
import dev.heddle.conformance.ConformanceFailure;
import dev.heddle.conformance.Kit;
import dev.heddle.conformance.KitOptions;
import dev.heddle.conformance.Rule;
import dev.heddle.conformance.Subject;
import dev.heddle.conformance.house.Planners;
import dev.heddle.conformance.input.Placed;
import dev.heddle.conformance.input.Request;
import dev.heddle.core.session.BackendFailureException;
import dev.heddle.planner.PlanRequest;
import java.util.List;

/** Rule 7.02. */
final class Pinned implements Rule {
    @Override
    public String id() {
        return "7.02";
    }

    @Override
    public String claim() {
        return "A pinned backend runs or fails with reasons; never another in its place";
    }

    @Override
    public List<ConformanceCase> cases(Subject subject, KitOptions options) {
        return List.of(
                ConformanceCase.numeric(id(), Asked.shape(subject, "pinned.runs"), options, this::runs),
                ConformanceCase.plain(id(), Asked.shape(subject, "pinned.cannot"), options, this::cannot),
                ConformanceCase.plain(id(), Asked.shape(subject, "pinned.fails"), options, this::fails));
    }

    private Planners.Planner open(Kit kit, Companion.Fault fault) {
        return kit.subject().house().planners().open(List.of(
                new Companion("kit-companion", kit.subject().provider(), fault), kit.subject().provider()));
    }

    private void runs(Kit kit) {
        Request request = Asked.request(kit, 33, 64);
        try (Planners.Planner planner = open(kit, Companion.Fault.NONE)) {
            for (String pin : List.of(kit.subject().id(), "kit-companion", kit.subject().id())) {
                try (Placed placed = Asked.place(kit, planner, request);
                        Planners.Planned plan =
                                planner.plan(request.spec(), request.batch(), PlanRequest.pin(pin))) {
                    Asked.requireBackend("pinned to " + pin, pin, plan.backendId());
                    plan.run(placed);
                    Asked.requireBackend("after a run pinned to " + pin, pin, plan.backendId());
                    kit.compare(request, placed.read());
                }
            }
        }
    }

    private void cannot(Kit kit) {
        Request request = Asked.request(kit, 33);
        try (Planners.Planner planner = open(kit, Companion.Fault.NARROW)) {
            Asked.requireReasonsOf("pinned to a backend that cannot", List.of("kit-companion"),
                    () -> planner.plan(request.spec(), request.batch(), PlanRequest.pin("kit-companion"))
                            .close());
        }
    }

    private void fails(Kit kit) {
        Request request = Asked.request(kit, 33);
        for (Companion.Fault fault : List.of(Companion.Fault.FAILS_TO_PLAN, Companion.Fault.FAILS_TO_RUN)) {
            try (Planners.Planner planner = open(kit, fault);
                    Placed placed = Asked.place(kit, planner, request)) {
                requireFailure(planner, request, placed);
            }
        }
    }

    private static void requireFailure(Planners.Planner planner, Request request, Placed placed) {
        String ran;
        try (Planners.Planned plan =
                planner.plan(request.spec(), request.batch(), PlanRequest.pin("kit-companion"))) {
            plan.run(placed);
            ran = plan.backendId();
        } catch (BackendFailureException e) {
            if (!String.valueOf(e.getMessage()).contains(Companion.WORDS)) {
                throw new ConformanceFailure("a pinned backend failed with '" + Companion.WORDS
                        + "', but the error says: " + e.getMessage(), e);
            }
            return;
        }
        throw new ConformanceFailure(
                "pinned to kit-companion, which fails, the batch ran on " + ran + " and nothing was thrown");
    }
}
