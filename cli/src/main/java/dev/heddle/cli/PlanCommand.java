package dev.heddle.cli;

import dev.heddle.cli.command.CommonFlags;
import dev.heddle.cli.input.MadeUp;
import dev.heddle.cli.input.ShapeFlags;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.capability.UnsupportedRequestException;
import dev.heddle.planner.Heddle;
import dev.heddle.planner.Json;
import dev.heddle.planner.PlanReport;
import dev.heddle.planner.PlanRequest;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code heddle plan}. */
@Command(name = "plan", description = "Explain the choice for a shape, without running it.")
final class PlanCommand implements Callable<Integer> {
    @Mixin
    private CommonFlags common = new CommonFlags();

    @Mixin
    private ShapeFlags shape = new ShapeFlags();

    @Option(names = "--backend", paramLabel = "ID", description = "only this backend may be taken")
    private @Nullable String backend;

    @Override
    public Integer call() {
        AttentionSpec spec = shape.spec();
        BatchShape batch = MadeUp.batch(spec, shape.lengths(), shape.seed());
        try (Heddle heddle = common.heddle().open()) {
            boolean pinned = backend != null && !backend.equals("auto");
            PlanReport report =
                    heddle.explain(spec, batch, pinned ? PlanRequest.pin(backend) : PlanRequest.DEFAULT);
            if (report.chosen() == null && pinned) {
                throw new UnsupportedRequestException(
                        "backend " + backend + " cannot run " + report.request(),
                        report.candidates().stream().filter(c -> c.backend().equals(backend))
                                .flatMap(c -> c.rejections().stream()).toList());
            }
            if (common.json()) {
                common.print(Json.plan(report));
            } else {
                common.out().println(report.toTable());
            }
            return report.chosen() == null ? Failures.UNSUPPORTED : 0;
        }
    }
}
