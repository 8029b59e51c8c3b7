package dev.heddle.planner;

import dev.heddle.core.Stable;
import dev.heddle.core.capability.Rejection;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Which backend a request gets, why, and why not the others.
 *
 * @param request spec and batch in one line
 * @param chosen id of the backend taken, or null if none can run it
 * @param candidates every backend that was found
 * @since 0.1
 */
@Stable
public record PlanReport(String request, @Nullable String chosen, List<Candidate> candidates) {
    /**
     * One backend's part.
     *
     * @param backend its id
     * @param eligible whether it can run the request
     * @param estimateMicros estimated time of a plan and a run in microseconds, or null if it is not eligible
     * @param terms the estimate's parts by name in microseconds; of {@code kv_read} and {@code flops} the larger counts
     * @param rejections why it is not eligible; empty if it is
     */
    public record Candidate(
            String backend,
            boolean eligible,
            @Nullable Double estimateMicros,
            Map<String, Double> terms,
            List<Rejection> rejections) {
        /** Copies the collections; the terms keep their order. */
        public Candidate {
            terms = Collections.unmodifiableMap(new LinkedHashMap<>(terms));
            rejections = List.copyOf(rejections);
        }
    }

    /** Copies the list. */
    public PlanReport {
        candidates = List.copyOf(candidates);
    }

    /** Returns every rejection of every backend. */
    public List<Rejection> rejections() {
        return candidates.stream().flatMap(c -> c.rejections().stream()).toList();
    }

    /** Returns a table for people: a line for each backend, and a line for each reason. */
    public String toTable() {
        List<String> lines = new ArrayList<>();
        lines.add(request);
        int width = candidates.stream().mapToInt(c -> c.backend().length()).max().orElse(0);
        for (Candidate candidate : candidates) {
            String name = candidate.backend() + " ".repeat(width - candidate.backend().length());
            if (candidate.eligible()) {
                lines.add("  " + (candidate.backend().equals(chosen) ? "→ " : "  ") + name + "  "
                        + micros(candidate.estimateMicros()) + " estimated: "
                        + candidate.terms().entrySet().stream()
                                .map(e -> e.getKey() + " " + micros(e.getValue()))
                                .collect(Collectors.joining(", ")));
            } else {
                for (int i = 0; i < candidate.rejections().size(); i++) {
                    lines.add("    " + (i == 0 ? name : " ".repeat(width)) + "  "
                            + candidate.rejections().get(i).message());
                }
            }
        }
        if (chosen == null) {
            lines.add("  no backend can run this");
        }
        return String.join("\n", lines);
    }

    private static String micros(@Nullable Double micros) {
        double value = micros == null ? 0 : micros;
        return value >= 1000
                ? String.format(Locale.ROOT, "%.2f ms", value / 1000)
                : String.format(Locale.ROOT, "%.1f µs", value);
    }
}
