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
import dev.heddle.core.capability.RejectionCode;
import dev.heddle.planner.PlanReport;
import dev.heddle.planner.PlanRequest;
import dev.heddle.planner.PlannerEvent;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** Rule 7.03. */
final class Quarantine implements Rule {
    private static final String FAULTY = "kit-faulty";

    @Override
    public String id() {
        return "7.03";
    }

    @Override
    public String claim() {
        return "A backend that fails at run time is quarantined, the batch is run again elsewhere with a right result,"
                + " and an event says so";
    }

    @Override
    public List<ConformanceCase> cases(Subject subject, KitOptions options) {
        return List.of(
                ConformanceCase.numeric(id(), Asked.shape(subject, "fails.to.run"), options,
                        kit -> recover(kit, Companion.Fault.FAILS_TO_RUN)),
                ConformanceCase.numeric(id(), Asked.shape(subject, "fails.to.plan"), options,
                        kit -> recover(kit, Companion.Fault.FAILS_TO_PLAN)));
    }

    private void recover(Kit kit, Companion.Fault fault) {
        Request request = Asked.request(kit, 70, 9);
        String subject = kit.subject().id();
        List<PlannerEvent> events = new CopyOnWriteArrayList<>();
        Companion faulty = new Companion(FAULTY, kit.subject().provider(), fault);
        try (Planners.Planner planner =
                kit.subject().house().planners().open(List.of(faulty, kit.subject().provider()), events::add);
                Placed placed = Asked.place(kit, planner, request)) {
            PlanReport before = planner.explain(request.spec(), request.batch(), PlanRequest.DEFAULT);
            Asked.requireBackend("the lowest estimate is chosen", FAULTY, String.valueOf(before.chosen()));
            try (Planners.Planned plan = planner.plan(request.spec(), request.batch(), PlanRequest.DEFAULT)) {
                plan.run(placed);
                kit.compare(request, placed.read());
                Asked.requireBackend("after " + FAULTY + " failed", subject, plan.backendId());
            }
            requireEvents(events, fault, subject);
            PlanReport after = planner.explain(request.spec(), request.batch(), PlanRequest.DEFAULT);
            Asked.requireBackend("after the quarantine", subject, String.valueOf(after.chosen()));
            if (after.rejections().stream().noneMatch(r -> r.backendId().equals(FAULTY)
                    && r.code() == RejectionCode.QUARANTINED && r.message().contains(Companion.WORDS))) {
                throw new ConformanceFailure(
                        "explain does not say that " + FAULTY + " is quarantined and why:\n"
                                + after.toTable());
            }
        }
    }

    private static void requireEvents(List<PlannerEvent> events, Companion.Fault fault, String subject) {
        boolean quarantined = events.stream()
                .anyMatch(e -> e instanceof PlannerEvent.Quarantined q && q.backend().equals(FAULTY));
        boolean recovered = fault == Companion.Fault.FAILS_TO_PLAN
                || events.contains(new PlannerEvent.Recovered(FAULTY, subject));
        if (!quarantined || !recovered) {
            throw new ConformanceFailure("events must say that " + FAULTY + " was quarantined"
                    + (recovered ? "" : " and that " + subject + " ran its batch") + ", got " + events);
        }
    }
}
