package dev.heddle.conformance.saboteur;

import static dev.heddle.conformance.saboteur.Saboteur.backend;
import static dev.heddle.conformance.saboteur.Saboteur.house;

import dev.heddle.conformance.KitOptions;
import dev.heddle.conformance.PagePoolFactory;
import dev.heddle.conformance.reference.PlainMath;
import dev.heddle.core.Evolving;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;

/**
 * Every saboteur: for each rule one or more, and the tricks.
 *
 * @since 0.1
 */
@Evolving
public final class Saboteurs {
    /** A quarter of it is how long rule 5.03 waits for the compiler and for other threads; a full run is more patient. */
    private static final Duration COMPILED = Duration.ofSeconds(32);

    private Saboteurs() {}

    /** Returns all, by rule. */
    public static List<Saboteur> all() {
        return Stream.of(provider(), capabilities(), numerics(), pages(), execution(), pool(), planner(),
                Tricks.all()).flatMap(List::stream).toList();
    }

    private static Saboteur math(String rule, String name, String fault, String says, PlainMath math) {
        return backend(rule, name, fault, says, real -> new OtherMath(real, math));
    }

    private static Saboteur pool(String rule, String name, String fault, String says, PagePoolFactory pools) {
        return backend(rule, name, fault, says, real -> new WrongPools.Bringing(real, pools));
    }

    private static KitOptions onceCompiled(KitOptions options) {
        return options.withCaseLimit(COMPILED);
    }

    private static List<Saboteur> provider() {
        return List.of(
                backend("1.01", "malformed-id", "the id has a capital and an underscore",
                        "the id must match *, got 'My_Backend'", WrongDeclarations::malformedId)
                        .by("1.01/id/*"),
                backend("1.01", "unregistered", "no service file names the provider",
                        "is not found by ServiceLoader; name it in META-INF/services", Wrapper::new)
                        .by("1.01/service-loader/*"),
                backend("1.02", "throws-when-asked", "capabilities() throws where a driver is missing",
                        "no driver", WrongDeclarations::throwsWhenAsked),
                backend("1.02", "throws-when-probed", "probe() throws where a library is missing",
                        "probe() must return Unavailable with a reason where it threw *libabsent.so.1",
                        WrongDeclarations::throwsWhenProbed),
                backend("1.02", "starts-threads", "capabilities() starts a thread",
                        "started threads: [*eager-worker*]; leave that to probe() and open()",
                        WrongDeclarations::startsThreads),
                house("1.03", "discovery-stops", "discovery ends at the first broken provider",
                        "a provider that throws in * hides ", WrongHouses::stopsAtTheFirstBroken),
                house("1.03", "discovery-hides-the-cause", "broken providers are left out without a word",
                        "is not listed with its root cause", WrongHouses::hidesTheBroken),
                backend("1.04", "leaks-buffers", "opening takes a buffer that closing does not free",
                        "after close of round 1, 1 buffers of host memory * are still open",
                        WrongHabits::leaksBuffers),
                backend("1.04", "leaks-threads", "a thread outlives close",
                        "threads are left after 10 rounds * lost-worker", WrongHabits::leaksThreads));
    }

    private static List<Saboteur> capabilities() {
        return List.of(
                backend("2.01", "changing-declaration", "the declaration changes from call to call",
                        "the declaration must be equal at every call", WrongDeclarations::changing),
                backend("2.02", "wrong-for-one-pair", "wrong where group size 6 meets layout HND, else right",
                        "out of request * (group 6)*HND*", WrongOutputs::wrongForOnePair).by("2.02/g6-*hnd*"),
                backend("2.03", "more-than-declared", "once open, it lets pass what it did not declare",
                        "page.size * is not declared, yet a plan was made",
                        WrongDeclarations::moreThanDeclared)
                        .by("2.03/p*"),
                house("2.04", "first-reason-only", "a refusal has the first reason only",
                        "must be rejected for each of them at once; missing *",
                        WrongHouses::givesTheFirstReason),
                backend("2.05", "moody", "every third time, the answer is no", "must be a pure function",
                        WrongDeclarations::moody),
                backend("2.06", "promises-too-much", "supported, it says, and then there is no plan",
                        "explain says supported, but plan fails for *: *no kernel for one KV head",
                        WrongDeclarations::promisesTooMuch),
                backend("2.07", "below-least-profile", "no pages of 16 tokens",
                        "page size 16 is part of the least profile and is not declared",
                        WrongDeclarations::belowLeastProfile),
                backend("2.07", "refuses-least-profile",
                        "declares any group size, and refuses 7 on this device",
                        "group size 7 is part of the least profile, and this device refuses it",
                        WrongDeclarations::refusesSeven));
    }

    private static List<Saboteur> numerics() {
        return List.of(
                backend("3.01", "coarse-outputs", "outputs of long sequences are rounded to 1/64",
                        "exceeds * (2 x that of a reference that rounds where the dtype does)",
                        WrongOutputs::coarse),
                backend("3.01", "loses-bits", "outputs in f32 lose the last 8 of their 24 bits",
                        "exceeds * (2 x that of a reference that rounds where the dtype does)",
                        real -> WrongOutputs.losesBits(real, 8)).by("3.01/*-f32-*"),
                backend("3.02", "lse-in-base-2", "the LSE is a logarithm to base 2",
                        "LSE of request * is *, the oracle has *", WrongOutputs::baseTwo),
                math("3.03", "heads-in-turns", "query heads take KV heads in turns, for group size 9",
                        "query head h reads KV head h / 9: * of request *", new WrongSteps.HeadsInTurns())
                        .by("3.03/g9-*"),
                math("3.04", "no-maximum", "exponentials of logits as they are",
                        "with logits of 1e4; take the maximum off before the exponential",
                        new WrongSteps.NoMaximum()),
                math("3.05", "top-left", "where queries outnumber keys, positions count from 0",
                        "row r sits at kv_len - qo_len + r: * (qo_len 9, kv_len 4), query row *",
                        new WrongSteps.TopLeft()).by("3.05/causal-longer-query-*"),
                math("3.06", "bias-before-cap", "ALiBi's bias is added before the soft cap",
                        "scale, soft cap, bias, mask, and sinks last: * soft cap 1.5, ALiBi",
                        new WrongSteps.CapAfterBias()).by("3.06/*cap1.5-alibi*"),
                math("3.07", "hides-nan", "a NaN logit counts as masked",
                        "a NaN key of KV head 0 does not reach row *, which attends to it",
                        new WrongSteps.NanHidden()),
                math("3.08", "loses-split-end", "the last of several splits loses its last key",
                        "2 splits forced: * of request *", new WrongSteps.LosesSplitEnd())
                        .by("3.08/splits2-*"),
                backend("3.09", "flickering", "the last bit of the LSE changes from run to run",
                        "two runs of the same inputs differ in their bits, though determinism is declared",
                        WrongOutputs::flickering),
                backend("3.09", "sees-the-crowd", "the last bit depends on the size of the batch",
                        "and in one of 282 differ in their bits, though BATCH_INVARIANT is declared",
                        WrongOutputs::seesTheCrowd).by("3.09/batch-invariant-*"),
                math("3.10", "scaled-twice", "scales per head are applied twice",
                        "scales of K and V apply once: *", new WrongSteps.ScaledTwice())
                        .by("3.10/*headscale*"));
    }

    private static List<Saboteur> pages() {
        return List.of(
                backend("4.01", "skips-empty", "rows of requests without keys are not written",
                        "has kv_len 0: its rows of out must be written as zeros, got NaN",
                        WrongOutputs::skipsEmpty),
                math("4.02", "reads-whole-pages", "slots past the length are read and multiplied by zero",
                        "NaN of slots or pages that hold no token leaks into out: skip those slots",
                        new WrongSteps.ReadsWholePages()),
                backend("4.03", "odd-pages-differ", "the last bit depends on a page's id",
                        "the same tokens in other physical pages give other bits", WrongOutputs::pagesDiffer),
                backend("4.04", "writes-shared-pages", "a page that requests share is written",
                        "the input K was written, at byte *: pages are shared and must stay unwritten",
                        WrongOutputs::writesSharedPages),
                math("4.05", "loses-page-end", "a request that fills two pages of 64 loses a token",
                        "every token counts up to kv_len: * kv_len 128*", new WrongSteps.LosesPageEnd())
                        .by("4.05/*p64-*kv128/*"),
                house("4.06", "clamps-page-ids", "bad page ids are brought into the pool",
                        "a bad table (negative-id) was taken", WrongHouses::clampsIds),
                house("4.06", "does-not-say-where", "a refusal does not say where the table is bad",
                        "the refusal must name request *, got request -1", WrongHouses::doesNotSayWhere),
                math("4.07", "int-offsets", "byte offsets wrap where an int does",
                        "a cache of more than 2147483648 bytes needs 64-bit offsets: *",
                        new WrongSteps.IntOffsets()).by("4.07/beyond2e31-*"),
                math("4.08", "overlooks-strides", "gaps between tokens are overlooked",
                        "elements lie where each tensor's own strides say, K's and V's differ: *",
                        new WrongSteps.OverlooksStrides()).by("4.08/*strided*"),
                backend("4.09", "writes-past-out", "one byte past the last element of out is written",
                        "a guard byte beside out was written, at byte *", WrongOutputs::writesPastOut),
                backend("4.09", "writes-past-workspace", "one byte past its own workspace is written",
                        "a guard byte beside memory that the backend allocated from its context changed",
                        WrongHabits::writesPastWorkspace));
    }

    private static List<Saboteur> execution() {
        return List.of(
                backend("5.01", "keeps-the-first-layer", "a plan works on the first cache that it sees",
                        "out of request *", WrongHabits::keepsTheFirstLayer).by("5.01/*layers*"),
                backend("5.02", "shares-scratch", "plans share one piece of scratch without a lock",
                        "thread * of 4, each with a plan of its own: * of request *",
                        WrongOutputs::sharesScratch),
                backend("5.03", "allocates", "each run takes 512 bytes of the Java heap",
                        "steady-state runs allocate: * of them took * bytes of the Java heap, *; none are allowed",
                        real -> WrongHabits.allocates(real, 62, 1)).with(Saboteurs::onceCompiled),
                backend("5.03", "allocates-now-and-then", "one run in eight takes 16 bytes of the Java heap",
                        "steady-state runs allocate: * of them took * bytes of the Java heap, *; none are allowed",
                        real -> WrongHabits.allocates(real, 0, 8)).with(Saboteurs::onceCompiled),
                backend("5.04", "throws-on-close", "a plan cannot be closed while its stream is busy",
                        "close number 1 of a plan threw *stream is busy", WrongHabits::throwsOnClose),
                backend("5.05", "replays-the-old-table", "a replay uses the page table of the recording",
                        "replay 1 with new page tables: * of request *", real -> new Capturing(real, false)));
    }

    private static List<Saboteur> pool() {
        return List.of(
                pool("6.01", "gives-pages-twice", "two pages share an id", "was given twice",
                        WrongPools::givesTwice),
                pool("6.01", "ignores-double-free", "a second free says nothing",
                        "a second free must throw IllegalStateException, threw nothing",
                        WrongPools::ignoresDoubleFree),
                pool("6.02", "wrong-first-slot", "appends are said to start at slot 0",
                        "first slot: * was expected, got *", WrongPools::wrongFirstSlot),
                pool("6.03", "forgets-copies", "the first write to a shared page asks for no copy",
                        "copies of the first write to a shared page*", WrongPools::forgetsCopies),
                pool("6.04", "truncates-too-little", "a truncated sequence keeps one page too many",
                        "truncate from *", WrongPools::truncatesTooLittle),
                pool("6.05", "mixes-namespaces", "prefixes of one namespace are found in another",
                        "another namespace", WrongPools::mixesNamespaces),
                pool("6.05", "matches-whole-prompts", "a match leaves no token to compute",
                        "length of the prefix match", WrongPools::matchesWholePrompts),
                pool("6.05", "compares-short-hashes", "tokens of a page are known by their sum",
                        "are known", WrongPools::comparesShortHashes),
                pool("6.06", "forgets-pins", "pinned pages are evicted",
                        "free pages: all but those referenced or pinned", WrongPools::forgetsPins),
                pool("6.07", "always-later", "what never fits is told to come later",
                        "NEVER was expected, got LATER", WrongPools::alwaysLater),
                pool("6.07", "takes-what-there-is", "an append that does not fit takes what there is",
                        "after:", WrongPools::takesWhatThereIs),
                pool("6.08", "loses-pages", "once in a thousand frees, pages are lost",
                        "free pages after *", WrongPools::losesPages));
    }

    private static List<Saboteur> planner() {
        return List.of(
                backend("7.01", "changing-costs", "the cost profile changes with every opening",
                        "the same inputs gave two answers", WrongDeclarations::changingCosts),
                house("7.02", "ignores-pins", "the planner overlooks the pin",
                        "pinned to *: backend * was expected, got kit-companion", WrongHouses::ignoresPins),
                house("7.02", "falls-back-in-silence", "where the pinned backend fails, another one runs",
                        "the batch ran on * and nothing was thrown", WrongHouses::fallsBackInSilence),
                house("7.03", "says-nothing", "no event tells of a quarantine",
                        "events must say that * was quarantined*, got []", WrongHouses::saysNothing),
                house("7.03", "recovers-wrongly", "the batch that was run again leaves zeros",
                        "out of request *", WrongHouses::recoversWrongly),
                house("7.03", "does-not-recover", "a failing backend stops the batch",
                        "the device fell off the bus", WrongHouses::doesNotRecover),
                house("7.04", "drops-reasons", "the error has one backend's reasons only",
                        "the error does not give the reasons of *", WrongHouses::dropsReasons));
    }
}
