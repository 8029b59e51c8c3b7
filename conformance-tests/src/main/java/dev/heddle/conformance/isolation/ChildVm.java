package dev.heddle.conformance.isolation;

import com.google.gson.JsonObject;
import dev.heddle.conformance.CaseResult;
import dev.heddle.conformance.ConformanceCase;
import dev.heddle.conformance.ConformanceFailure;
import dev.heddle.conformance.ConformanceReport;
import dev.heddle.conformance.ConformanceRun;
import dev.heddle.conformance.Deadline;
import dev.heddle.conformance.KitOptions;
import dev.heddle.conformance.Outcome;
import dev.heddle.conformance.Rule;
import dev.heddle.conformance.RuleBook;
import dev.heddle.conformance.Subject;
import dev.heddle.conformance.report.JsonLines;
import dev.heddle.core.Evolving;
import dev.heddle.core.spi.DeviceInfo;
import dev.heddle.core.tensor.MemorySpaceId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Runs rules on a subject in a child VM with this VM's Java, paths and flags. A case that ends the child, or that
 * gives no result in time, has failed; a new child goes on with the next case, so that every case has a result. The
 * time of such a case is all that it cost, until the new child went on.
 *
 * @since 0.1
 */
@Evolving
public final class ChildVm {
    private final Subject subject;
    private final KitOptions options;
    private final Consumer<CaseResult> progress;
    private final List<CaseResult> results = new ArrayList<>();
    private List<ConformanceCase> cases = List.of();
    private @Nullable DeviceInfo device;
    private String version = "unknown";
    private boolean listed;
    private boolean done;
    private @Nullable ConformanceCase started;
    private long startedAt;
    private @Nullable CaseResult lost;

    private ChildVm(Subject subject, KitOptions options, Consumer<CaseResult> progress) {
        this.subject = subject;
        this.options = options;
        this.progress = progress;
    }

    /**
     * Runs every selected case.
     *
     * @param subject its provider's class must be found by ServiceLoader or have a public no-argument constructor
     * @param progress told of each case as it ends
     * @return the same report as a run in this VM gives, but for crashes, which are failed cases
     * @throws IOException if no child can be started
     * @throws InterruptedException if the calling thread is interrupted; the child is ended
     */
    public static ConformanceReport run(
            Subject subject, KitOptions options, Consumer<CaseResult> progress)
            throws IOException, InterruptedException {
        ChildVm run = new ChildVm(subject, options, progress);
        Path directory = Files.createTempDirectory("heddle-conformance");
        try {
            run.children(directory, options.caseLimit());
        } finally {
            remove(directory);
        }
        Map<String, String> claims = RuleBook.all().stream().collect(Collectors.toMap(Rule::id, Rule::claim));
        return new ConformanceReport(subject.id(), run.version, run.device, options, claims, run.results,
                ConformanceRun.leftOut(run.cases, run.results.size()), Map.of());
    }

    private void children(Path directory, Duration limit) throws IOException, InterruptedException {
        Path events = directory.resolve("events.jsonl");
        Path words = directory.resolve("words.txt");
        Deadline deadline = new Deadline(options.budget());
        do {
            Files.deleteIfExists(events);
            Files.createFile(events);
            started = null;
            int before = results.size() + (lost == null ? 0 : 1);
            String end = new Child(
                    ChildCommand.of(subject, options, deadline.left(options.budget()), before, events),
                    events,
                    words, limit).run(this::hear);
            addLost();
            if (done) {
                return;
            } else if (started != null) {
                lost = failed(started, end.isEmpty() ? "the child VM ended without a word" : end);
            } else if (!listed || results.size() == before) {
                giveUp(end.isEmpty() ? "the child VM ended early" : end);
                return;
            }
        } while (!deadline.hasPassed());
        addLost();
    }

    /** What a crash costs ends where the next child begins its first case, or has none left. */
    private void addLost() {
        CaseResult crashed = lost;
        if (crashed != null) {
            lost = null;
            add(new CaseResult(crashed.kase(), crashed.outcome(), crashed.message(),
                    System.nanoTime() - startedAt, null));
        }
    }

    // Between two cases, or before the first: a new child would most likely end at the same place.
    private void giveUp(String reason) {
        if (!listed) {
            add(failed(
                    ConformanceCase.plain("1.01", "child-vm-starts", options, kit -> {}),
                    "the child VM did not get as far as the cases of " + Providers.spell(subject.provider())
                            + ": " + reason));
        }
        while (results.size() < cases.size()) {
            add(failed(cases.get(results.size()), "not run: " + reason));
        }
    }

    private void hear(JsonObject event) {
        switch (event.get(Protocol.KIND).getAsString()) {
            case Protocol.VERSION -> version = event.get(Protocol.VERSION).getAsString();
            case Protocol.CASES -> list(event);
            case Protocol.START -> {
                addLost();
                started = named(event);
                startedAt = System.nanoTime();
            }
            case Protocol.RESULT -> {
                started = null;
                add(JsonLines.read(event.get(Protocol.RESULT).getAsString()));
            }
            case Protocol.DEVICE -> device = new DeviceInfo(
                    MemorySpaceId.parse(event.get("space").getAsString()),
                    event.get("name").getAsString(),
                    event.get("arch").getAsString(),
                    event.get("memory").getAsLong(),
                    event.get("driver").getAsString());
            case Protocol.DONE -> {
                addLost();
                done = true;
            }
            default -> throw new IllegalStateException("a child VM of another version wrote " + event);
        }
    }

    private void list(JsonObject event) {
        if (!listed) { // a second child derives the same cases from the same declaration
            List<ConformanceCase> list = new ArrayList<>();
            event.getAsJsonArray(Protocol.CASES).forEach(one -> list.add(named(one.getAsJsonObject())));
            cases = list;
            listed = true;
        }
    }

    private static ConformanceCase named(JsonObject event) {
        String name = event.get("name").getAsString();
        return new ConformanceCase(event.get("rule").getAsString(), name, event.get("numeric").getAsBoolean(),
                kit -> {
                    throw new ConformanceFailure(name + " runs in a child VM only");
                });
    }

    private static CaseResult failed(ConformanceCase kase, String message) {
        return new CaseResult(kase, Outcome.FAILED, "[" + kase.rule() + "] " + message, 0, null);
    }

    private void add(CaseResult result) {
        results.add(result);
        progress.accept(result);
    }

    private static void remove(Path directory) throws IOException {
        try (var files = Files.list(directory)) {
            for (Path file : files.toList()) {
                Files.deleteIfExists(file);
            }
        }
        Files.deleteIfExists(directory);
    }
}
