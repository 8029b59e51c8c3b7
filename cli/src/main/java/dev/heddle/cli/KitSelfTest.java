package dev.heddle.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.heddle.cli.command.CommonFlags;
import dev.heddle.cli.command.Progress;
import dev.heddle.conformance.KitOptions;
import dev.heddle.conformance.saboteur.Saboteur;
import dev.heddle.conformance.saboteur.SaboteurTable;
import dev.heddle.conformance.saboteur.Saboteurs;
import dev.heddle.conformance.saboteur.SelfTest;
import dev.heddle.core.spi.AttentionBackendProvider;
import java.io.IOException;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import me.tongfei.progressbar.ProgressBar;

/** {@code heddle conformance --self-test}: the kit on backends that are broken on purpose. */
final class KitSelfTest {
    private final CommonFlags common;
    private final AttentionBackendProvider right;
    private final KitOptions selection;

    KitSelfTest(CommonFlags common, AttentionBackendProvider right, KitOptions selection) {
        this.common = common;
        this.right = right;
        this.selection = selection;
    }

    /** Prints the table of the documentation. */
    int table() {
        common.out().print(SaboteurTable.markdown(Saboteurs.all()));
        return 0;
    }

    /** Runs it and returns the exit code. */
    int run() throws IOException, InterruptedException {
        List<Saboteur> saboteurs = Saboteurs.all().stream()
                .filter(saboteur -> selection.selectsRule(saboteur.rule())).toList();
        Set<String> without = SelfTest.withoutSaboteur(Saboteurs.all());
        if (saboteurs.isEmpty()) {
            throw new IllegalArgumentException("no rule with a saboteur is called "
                    + String.join(" or ", selection.rules()));
        }
        List<SelfTest.Result> results;
        try (ProgressBar bar = Progress.bar("self-test on " + right.id(), saboteurs.size())) {
            results = SelfTest.run(right, saboteurs, done -> bar.step());
        }
        int rules = (int) saboteurs.stream().map(Saboteur::rule)
                .filter(rule -> !rule.equals(Saboteur.VERDICT)).distinct().count();
        if (common.json()) {
            common.print(json(results, rules, without));
        } else {
            print(results, rules, without);
        }
        return without.isEmpty() && results.stream().allMatch(SelfTest.Result::caught) ? 0
                : Failures.CHECK_FAILED;
    }

    private JsonObject json(List<SelfTest.Result> results, int rules, Set<String> without) {
        JsonObject json = new JsonObject();
        json.addProperty("backend", right.id());
        json.addProperty("rules", rules);
        json.addProperty("saboteurs", results.size());
        json.addProperty("caught", results.stream().filter(SelfTest.Result::caught).count());
        JsonArray missed = new JsonArray();
        Stream.concat(results.stream().filter(result -> !result.caught())
                .map(result -> result.saboteur().rule() + " " + result.saboteur().name() + ": "
                        + why(result)),
                without.stream().map(rule -> rule + " has no saboteur")).forEach(missed::add);
        json.add("missed", missed);
        crashes(results).ifPresent(crashes -> {
            JsonObject one = new JsonObject();
            one.addProperty("cases", crashes.cases());
            one.addProperty("crashed", crashes.crashed());
            one.addProperty("lost", crashes.lost());
            one.addProperty("seconds", Math.round(crashes.seconds() * 100) / 100.0);
            json.add("crash", one);
        });
        JsonArray all = new JsonArray();
        for (SelfTest.Result result : results) {
            JsonObject one = new JsonObject();
            one.addProperty("rule", result.saboteur().rule());
            one.addProperty("saboteur", result.saboteur().name());
            one.addProperty("fault", result.saboteur().fault());
            one.addProperty("caught", result.caught());
            one.addProperty("case", result.caughtBy());
            one.addProperty("says", result.words());
            all.add(one);
        }
        json.add("results", all);
        return json;
    }

    private static Optional<SelfTest.Crashes> crashes(List<SelfTest.Result> results) {
        return results.stream().map(SelfTest.Result::crashes).filter(Objects::nonNull).findFirst();
    }

    private static String why(SelfTest.Result result) {
        if (result.crashes() != null && result.crashes().lost() > 0) {
            return result.crashes().lost() + " cases beside those that crashed were lost";
        }
        return result.caughtBy().isEmpty()
                ? "the kit says " + result.words() + "; it should say " + result.saboteur().says()
                : result.caughtBy() + " fails on the right backend too: " + result.honest();
    }

    private void print(List<SelfTest.Result> results, int rules, Set<String> without) {
        for (SelfTest.Result result : results) {
            common.out().println(String.format("  %-7s %-28s %s", result.saboteur().rule(),
                    result.saboteur().name(),
                    result.caught() ? "caught: " + firstLine(result.words()) : "MISSED: " + why(result)));
        }
        without.forEach(rule -> common.out().println("  " + rule + " has no saboteur"));
        crashes(results).ifPresent(crashes -> common.out().println(words(crashes)));
        common.out()
                .println(results.stream().filter(SelfTest.Result::caught).count() + " of " + results.size()
                        + " saboteurs of " + rules + " rules caught, with " + right.id()
                        + " as the right backend");
    }

    private static String words(SelfTest.Crashes crashes) {
        return String.format("%d of %d cases ended their VM: %d others lost, %.2f s for a crash at most",
                crashes.crashed(), crashes.cases(), crashes.lost(), crashes.seconds());
    }

    private static String firstLine(String words) {
        return words.lines().limit(1).collect(Collectors.joining());
    }
}
