package dev.heddle.conformance.saboteur;

import static dev.heddle.conformance.saboteur.Saboteur.VERDICT;
import static dev.heddle.conformance.saboteur.Saboteur.backend;
import static dev.heddle.conformance.saboteur.Saboteur.house;

import dev.heddle.conformance.Budget;
import java.time.Duration;
import java.util.List;

/** Ways to pass without being right. */
final class Tricks {
    private static final Duration ASLEEP = Duration.ofMinutes(10);
    private static final Duration SLOW = Duration.ofMillis(400);

    private Tricks() {}

    static List<Saboteur> all() {
        return List.of(
                backend("2.02", "empty-declaration", "declares no dtype, no head dim and no layout",
                        "the declaration is empty: *", WrongDeclarations::empty),
                backend(VERDICT, "refuses-everything", "declares all, and refuses it on this device",
                        "is not proved: no case that compares numbers passed",
                        WrongDeclarations::refusesAll).by("3.0*").with(o -> o.withBudget(Budget.perRule(3))),
                backend("2.06", "always-supported", "supported, it says, with kernels for five group sizes",
                        "explain says supported, but plan fails for *no kernel for group size 7",
                        WrongDeclarations::fiveGroupSizes).by("2.06/g7-*"),
                house("2.04", "support-is-always-yes", "whatever is asked, the answer is yes",
                        "must be rejected for each of them at once; missing *",
                        WrongHouses::supportsEverything),
                backend("5.01", "keeps-answers", "the first answer is given again for the same buffers",
                        "the answer is that of the run before, bit for bit*", WrongHabits::keepsAnswers)
                        .by("5.01/*same.buffers*"),
                backend("2.02", "knows-the-kit's-seeds",
                        "right for the numbers that the kit always asks, else zeros",
                        "out of request *, the oracle has *", real -> new Learner(real, "2.02"))
                        .with(o -> o.withBudget(new Budget(null, 3, 4))),
                backend("4.09", "writes-unused-pages", "a page that no request names is written",
                        "the input K was written, at byte *", WrongOutputs::writesUnusedPage),
                backend("3.01", "sleeps", "a run that never comes back",
                        "timed out: no result within * s; it is at *WrongHabits*",
                        real -> WrongHabits.sleeps(real, ASLEEP))
                        .with(o -> o.withBudget(Budget.perRule(1)).withCaseLimit(Duration.ofSeconds(1))),
                backend(VERDICT, "sleeps-until-the-budget-ends", "each run takes what is left of the budget",
                        "is not proved: the budget ended before a case of *",
                        real -> WrongHabits.sleeps(real, SLOW)).by("3.0*")
                        .with(o -> o.withBudget(Budget.of(Duration.ofSeconds(1)))),
                backend("4.09", "changes-the-page-table", "page ids are swapped behind the caller's back",
                        "a run changed the batch it was given: kv_indices[*] was * and is *",
                        WrongHabits::changesTheTable),
                backend("3.01", "kills-the-vm",
                        "memory that is not there is read, as native code does by mistake",
                        "the child VM ended with exit code " + Killer.CODE, Killer::new)
                        .inChildVm().with(o -> o.withBudget(Budget.perRule(5))),
                backend("1.04", "leaks-native-memory", "each plan keeps half a MiB",
                        "native memory grew by * MiB", WrongHabits::leaksNativeMemory),
                backend("4.02", "reads-freed-pages", "a plan works on the pages of the one before",
                        "a step reads pages that were freed after the step before it",
                        WrongHabits::readsFreedPages).by("4.02/freed-*"));
    }
}
