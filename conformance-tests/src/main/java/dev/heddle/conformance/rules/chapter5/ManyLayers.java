package dev.heddle.conformance.rules.chapter5;

import dev.heddle.conformance.ConformanceCase;
import dev.heddle.conformance.Kit;
import dev.heddle.conformance.KitOptions;
import dev.heddle.conformance.Rule;
import dev.heddle.conformance.Subject;
import dev.heddle.conformance.input.Output;
import dev.heddle.conformance.input.Placed;
import dev.heddle.conformance.input.Request;
import dev.heddle.core.session.SessionPlan;
import java.util.ArrayList;
import java.util.List;

/** Rule 5.01. */
final class ManyLayers implements Rule {
    private static final int LAYERS = 4;

    @Override
    public String id() {
        return "5.01";
    }

    @Override
    public String claim() {
        return "One plan serves many layers' buffers";
    }

    @Override
    public List<ConformanceCase> cases(Subject subject, KitOptions options) {
        return List.of(ConformanceCase.numeric(
                id(), Requests.shape(subject, LAYERS + ".layers"), options, ManyLayers::layers));
    }

    private static void layers(Kit kit) {
        Requests requests = new Requests(kit.capabilities());
        List<Request> layers = new ArrayList<>();
        layers.add(requests.decode(kit.seed(), 70, 5, 129).build());
        Request first = layers.getFirst();
        for (int i = 1; i < LAYERS; i++) {
            layers.add(requests.decode(kit.seed() + i, 70, 5, 129).table(first.batch().pageTable()).build());
        }
        try (SessionPlan plan = kit.plan(first, kit.options())) {
            // Twice over: a backend that keeps the first buffers it sees is right only once.
            for (int i = 0; i < 2 * LAYERS; i++) {
                Request layer = layers.get(i % LAYERS);
                try (Placed placed = kit.place(layer)) {
                    Output output = kit.run(plan, placed);
                    kit.requireNoTrespass(placed);
                    kit.compare(layer, output);
                }
            }
        }
    }
}
