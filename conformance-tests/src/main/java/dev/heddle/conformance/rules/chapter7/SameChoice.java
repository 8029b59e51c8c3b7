package dev.heddle.conformance.rules.chapter7;

import dev.heddle.conformance.ConformanceCase;
import dev.heddle.conformance.ConformanceFailure;
import dev.heddle.conformance.Kit;
import dev.heddle.conformance.KitOptions;
import dev.heddle.conformance.Rule;
import dev.heddle.conformance.Subject;
import dev.heddle.conformance.house.Planners;
import dev.heddle.conformance.input.Request;
import dev.heddle.core.spi.AttentionBackendProvider;
import dev.heddle.planner.PlanReport;
import dev.heddle.planner.PlanRequest;
import java.util.ArrayList;
import java.util.List;

/** Rule 7.01. */
final class SameChoice implements Rule {
    private static final int ROUNDS = 4;

    @Override
    public String id() {
        return "7.01";
    }

    @Override
    public String claim() {
        return "The same inputs and calibration give the same choice";
    }

    @Override
    public List<ConformanceCase> cases(Subject subject, KitOptions options) {
        return List.of(
                ConformanceCase.plain(id(), Asked.shape(subject, "alone"), options,
                        kit -> same(kit, List.of())),
                ConformanceCase.plain(id(), Asked.shape(subject, "beside.others"), options,
                        kit -> same(kit, List.of(
                                new Companion("kit-narrow", kit.subject().provider(), Companion.Fault.NARROW),
                                new Companion("kit-rival", kit.subject().provider(),
                                        Companion.Fault.NONE)))));
    }

    private void same(Kit kit, List<Companion> companions) {
        List<AttentionBackendProvider> providers = new ArrayList<>(companions);
        providers.add(kit.subject().provider());
        Request request = Asked.request(kit, 33, 200);
        PlanReport first = null;
        for (int round = 0; round < ROUNDS; round++) {
            try (Planners.Planner planner = kit.subject().house().planners().open(providers)) {
                PlanReport report = planner.explain(request.spec(), request.batch(), PlanRequest.DEFAULT);
                if (first != null && !first.equals(report)) {
                    throw new ConformanceFailure("the same inputs gave two answers: first\n" + first.toTable()
                            + "\nthen\n" + report.toTable());
                }
                first = report;
                for (int i = 0; i < 2; i++) { // the second plan may come from a cache
                    try (Planners.Planned plan =
                            planner.plan(request.spec(), request.batch(), PlanRequest.DEFAULT)) {
                        Asked.requireBackend("what explain says is chosen", String.valueOf(report.chosen()),
                                plan.backendId());
                    }
                }
            }
        }
    }
}
