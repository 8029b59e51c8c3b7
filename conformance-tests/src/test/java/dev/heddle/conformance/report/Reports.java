package dev.heddle.conformance.report;

import dev.heddle.conformance.CaseResult;
import dev.heddle.conformance.ConformanceCase;
import dev.heddle.conformance.ConformanceReport;
import dev.heddle.conformance.ErrorStats;
import dev.heddle.conformance.KitOptions;
import dev.heddle.conformance.Outcome;
import dev.heddle.core.spi.DeviceInfo;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A report with every kind of result, and text that each format has to escape. */
final class Reports {
    static final String NASTY =
            "out[3] is NaN & should be <0.5> \"quoted\" 'single' \u0007 bell\nsecond line";

    private Reports() {}

    static ConformanceReport mixed() {
        List<CaseResult> results = new ArrayList<>();
        int i = 0;
        for (int group : new int[]{1, 4, 7, 16}) {
            for (String dim : new String[]{"64", "128", "192x128"}) {
                for (String types : new String[]{"bf16", "f32", "bf16-kfp8_e4m3"}) {
                    String shape = "g" + group + "-d" + dim + "-p" + (i % 2 == 0 ? 16 : 1) + "-" + types
                            + "-h2-kv64";
                    double strain = (i++ % 9 + 0.5) / 10;
                    results.add(result("3.01", shape, Outcome.PASSED, "", stats(strain)));
                }
            }
        }
        results.add(result("2.03", "g3-d128-p16-bf16", Outcome.PASSED, "", null));
        for (String random : List.of("g37-d64-p16-bf16-h2-kv64", "g16-d64-p16-bf16-h2-kv9")) {
            results.add(result("2.02", random, Outcome.PASSED, "",
                    random.startsWith("g16") ? stats(0.15) : null, 7));
        }
        results.add(
                result("3.01", "g7-d128-p16-bf16-far", Outcome.FAILED, "[3.01] " + NASTY, stats(Double.NaN)));
        results.add(result("5.05", "not-declared", Outcome.NOT_DECLARED, "execution.capture is not declared",
                null));
        return new ConformanceReport(
                "fake", "1.0", DeviceInfo.host(), KitOptions.DEFAULT,
                Map.of("3.01", "Errors stay within those of a reference & no more.", "2.03",
                        "Neighbours are refused.",
                        "5.05", "Captured runs replay."),
                results, Map.of("4.05", 12),
                Map.of("3.01/g7-d128-p16-bf16-far/seed42",
                        result("3.01", "g1-d1-p1-bf16-h1-q1-kv1", Outcome.FAILED,
                                "[3.01] " + NASTY, stats(Double.NaN))));
    }

    private static ErrorStats stats(double strain) {
        return new ErrorStats(strain * 0.004, 0.004, strain * 0.0002, 0.0004, 1e-6);
    }

    private static CaseResult result(
            String rule, String shape, Outcome outcome, String message, ErrorStats errors) {
        return result(rule, shape, outcome, message, errors, 42);
    }

    private static CaseResult result(
            String rule, String shape, Outcome outcome, String message, ErrorStats errors, long seed) {
        String name = rule + "/" + shape + "/seed" + seed;
        return new CaseResult(
                new ConformanceCase(rule, name, errors != null, kit -> {}), outcome, message, 1_500_000,
                errors);
    }
}
