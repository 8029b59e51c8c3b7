package dev.heddle.cli;

import dev.heddle.cli.command.CommonFlags;
import dev.heddle.core.capability.Capabilities;
import dev.heddle.core.capability.Rejection;
import dev.heddle.planner.BackendReport;
import dev.heddle.planner.Heddle;
import dev.heddle.planner.Json;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code heddle backends}. */
@Command(name = "backends", description = "What was found, what it declares, and why not, if not.")
final class BackendsCommand implements Callable<Integer> {
    @Mixin
    private CommonFlags common = new CommonFlags();

    @Option(names = "--markdown", description = "print the declarations as a Markdown table")
    private boolean markdown;

    @Override
    public Integer call() {
        try (Heddle heddle = common.heddle().open()) {
            List<BackendReport> backends = heddle.backends();
            if (common.json()) {
                common.print(Json.backends(backends));
            } else if (markdown) {
                markdown(backends);
            } else {
                backends.forEach(this::print);
            }
        }
        return 0;
    }

    private void print(BackendReport backend) {
        String device = backend.device() == null ? ""
                : ", " + backend.device().name() + " (" + backend.device().arch() + ")";
        common.out().println(backend.id() + " " + backend.version() + ": "
                + backend.status().name().toLowerCase(Locale.ROOT) + device);
        Capabilities can = backend.capabilities();
        if (can != null) {
            for (Words.Column column : Words.columns()) {
                common.out().println(
                        String.format(Locale.ROOT, "    %-12s %s", column.title(), column.cell().apply(can)));
            }
        }
        for (Rejection rejection : backend.rejections()) {
            common.out().println("    " + rejection.message());
        }
    }

    private void markdown(List<BackendReport> backends) {
        List<Words.Column> columns = Words.columns();
        row("backend", columns.stream().map(Words.Column::title));
        row("---", columns.stream().map(column -> "---"));
        List<BackendReport> byId = new ArrayList<>(backends);
        byId.sort(Comparator.comparing(BackendReport::id));
        for (BackendReport backend : byId) {
            Capabilities can = backend.capabilities();
            if (can != null) {
                row(backend.id(), columns.stream().map(column -> column.cell().apply(can)));
            }
        }
    }

    private void row(String first, Stream<String> rest) {
        common.out().println("| " + first + " | " + rest.collect(Collectors.joining(" | ")) + " |");
    }
}
