package dev.heddle.conformance.rules.chapter5;

import dev.heddle.conformance.ConformanceCase;
import dev.heddle.conformance.ConformanceFailure;
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
        return List.of(
                ConformanceCase.numeric(
                        id(), Requests.shape(subject, LAYERS + ".layers"), options, ManyLayers::layers),
                ConformanceCase.numeric(
                        id(), Requests.shape(subject, "same.buffers"), options, ManyLayers::sameBuffers));
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

    /** New keys and values, then new queries, in the buffers of the run before: answers must not be kept. */
    private static void sameBuffers(Kit kit) {
        Requests requests = new Requests(kit.capabilities());
        Request first = requests.decode(kit.seed(), 70, 5, 129).equalScales().build();
        Request other = requests.decode(kit.seed() + 1, 70, 5, 129)
                .table(first.batch().pageTable()).equalScales().build();
        List<Request> steps = List.of(first,
                new Request(first.spec(), first.batch(), first.q(), other.kv(), first.heads()), // K and V are new
                other, // and q
                first);
        try (Placed placed = kit.place(first);
                SessionPlan plan = kit.plan(first, kit.options())) {
            Output before = null;
            for (Request step : steps) {
                placed.write(step);
                Output output = kit.run(plan, placed);
                if (before != null && before.sameBits(output)) {
                    throw new ConformanceFailure(
                            "the answer is that of the run before, bit for bit, though other"
                                    + " numbers lie in the same buffers: keep no answers, compute them");
                }
                kit.compare(step, output);
                before = output;
            }
        }
    }
}
