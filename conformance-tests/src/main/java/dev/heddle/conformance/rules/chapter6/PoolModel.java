package dev.heddle.conformance.rules.chapter6;

import dev.heddle.core.pool.AppendResult;
import dev.heddle.core.pool.Exhaustion;
import dev.heddle.core.pool.PageCopy;
import dev.heddle.core.pool.PagePool;
import dev.heddle.core.pool.PageSequence;
import dev.heddle.core.pool.PrefixMatch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;

/**
 * A pool, and beside it what the pool's pages would hold: each slot remembers the whole history of the token that was
 * written there. Whatever gives a page twice, loses one or matches a wrong prefix shows as a slot with a wrong
 * history.
 */
final class PoolModel {
    private static final int MOST_SEQUENCES = 20;
    private static final int MOST_PINS = 4;
    private static final int TOKENS = 3; // few, so that prefixes recur
    private static final int NAMESPACES = 2;

    private final PagePool pool;
    private final int pageSize;
    private final Random random;
    private final long[][] memory;
    private final List<Held> held = new ArrayList<>();
    private final List<PrefixMatch> pins = new ArrayList<>();

    private record Held(PageSequence sequence, int namespace, List<Integer> tokens) {
        int[] tokenArray() {
            return tokens.stream().mapToInt(Integer::intValue).toArray();
        }
    }

    PoolModel(PagePool pool, Random random) {
        this.pool = pool;
        this.pageSize = pool.pageSize();
        this.random = random;
        this.memory = new long[pool.totalPages()][pageSize];
    }

    /** Does one operation, checks it, and returns its name. */
    String step() {
        String operation;
        if (held.isEmpty()) {
            operation = "allocate";
            allocate();
        } else {
            Held one = held.get(random.nextInt(held.size()));
            operation = act(one, random.nextInt(100));
        }
        requireEqual("free pages after " + operation, pool.totalPages() - inUse().size(), pool.freePages());
        return operation;
    }

    private String act(Held one, int dice) {
        if (dice < 45) {
            append(one, random.nextInt(4) == 0 ? random.nextInt(4 * pageSize) : 1);
            return "append";
        } else if (dice < 53 && held.size() < MOST_SEQUENCES) {
            held.add(new Held(one.sequence.fork(), one.namespace, new ArrayList<>(one.tokens)));
            check(held.getLast());
            return "fork";
        } else if (dice < 61) {
            truncate(one);
            return "truncate";
        } else if (dice < 71) {
            one.sequence.free();
            held.remove(one);
            return "free";
        } else if (dice < 81) {
            publish(one);
            return "publish";
        } else if (dice < 86) {
            pin();
            return "pin or unpin";
        } else if (held.size() < MOST_SEQUENCES) {
            allocate();
            return "allocate";
        }
        check(one);
        return "check";
    }

    private void allocate() {
        int namespace = random.nextInt(NAMESPACES);
        if (random.nextBoolean()) {
            held.add(new Held(pool.allocate(), namespace, new ArrayList<>()));
            return;
        }
        PrefixMatch match = match(namespace);
        int[] tokens = new int[match.length()];
        System.arraycopy(lastPrompt, 0, tokens, 0, tokens.length);
        Held resumed = new Held(
                pool.allocate(match), namespace, new ArrayList<>(Arrays.stream(tokens).boxed().toList()));
        held.add(resumed);
        check(resumed);
    }

    private int[] lastPrompt = {};

    // A prompt that begins like a sequence that is there, now and then.
    private PrefixMatch match(int namespace) {
        int[] prompt = random.ints(1 + random.nextInt(4 * pageSize), 0, TOKENS).toArray();
        if (!held.isEmpty() && random.nextInt(3) > 0) {
            int[] known = held.get(random.nextInt(held.size())).tokenArray();
            System.arraycopy(known, 0, prompt, 0, Math.min(known.length, prompt.length));
        }
        lastPrompt = prompt;
        PrefixMatch match = pool.prefixes().match(name(namespace), prompt);
        PoolRule.require(match.length() % pageSize == 0 && match.length() < prompt.length
                && match.pages().length == match.length() / pageSize,
                "a match of %s tokens on %s pages for a prompt of %s", match.length(), match.pages().length,
                prompt.length);
        checkHistory("a prefix match", match.pages(), match.length(), namespace, prompt);
        return match;
    }

    private void append(Held one, int tokens) {
        int[] before = one.sequence.pages();
        int length = one.sequence.length();
        boolean room = length % pageSize != 0;
        boolean shared = room && references(before[before.length - 1]) > 1;
        int fresh = Math.ceilDiv(length + tokens, pageSize) - before.length;
        int least = tokens == 0 ? 0 : fresh + (shared ? 1 : 0);
        int free = pool.freePages();
        Set<Integer> inUse = inUse();
        switch (one.sequence.append(tokens)) {
            case AppendResult.Exhausted no -> {
                // One page more than the least may be needed where the last page is also in the prefix cache.
                PoolRule.require(no.neededPages() > free && no.neededPages() - least <= (room ? 1 : 0),
                        "append of %s tokens at %s needs %s pages, %s are free, got %s", tokens, length,
                        least, free, no);
                boolean never = Math.ceilDiv(length + tokens, pageSize) > pool.totalPages();
                requireEqual("exhaustion", never ? Exhaustion.NEVER : Exhaustion.LATER, no.when());
                PoolRule.requirePages("pages after exhaustion", before, one.sequence.pages());
            }
            case AppendResult.Appended yes -> {
                PoolRule.require(least <= free, "an append took %s pages where %s were free", least, free);
                PoolRule.require(tokens == 0 || !shared || !yes.copies().isEmpty(),
                        "a write to shared page %s copies nothing",
                        before.length == 0 ? -1 : before[before.length - 1]);
                Set<Integer> old = new HashSet<>(Arrays.stream(before).boxed().toList());
                for (int page : one.sequence.pages()) {
                    PoolRule.require(old.contains(page) || !inUse.contains(page),
                            "page %s was given although it is in use", page);
                }
                write(one, yes);
            }
        }
        check(one);
    }

    private void write(Held one, AppendResult.Appended appended) {
        for (PageCopy copy : appended.copies()) {
            memory[copy.to()] = memory[copy.from()].clone();
        }
        int[] pages = one.sequence.pages();
        long history = history(one.namespace, one.tokenArray(), one.tokens.size());
        for (int i = appended.firstToken(); i < appended.firstToken() + appended.tokens(); i++) {
            int token = random.nextInt(TOKENS);
            one.tokens.add(token);
            history = next(history, token);
            memory[pages[i / pageSize]][i % pageSize] = history;
        }
    }

    private void truncate(Held one) {
        int newLength = random.nextInt(one.sequence.length() + 1);
        int[] pages = one.sequence.pages();
        int kept = Math.ceilDiv(newLength, pageSize);
        PoolRule.requirePages("truncate to " + newLength, Arrays.copyOfRange(pages, kept, pages.length),
                one.sequence.truncate(newLength));
        one.tokens.subList(newLength, one.tokens.size()).clear();
        check(one);
    }

    private void publish(Held one) {
        int known = pool.prefixes().publish(name(one.namespace), one.sequence, one.tokenArray());
        PoolRule.require(known % pageSize == 0 && known <= one.tokens.size(),
                "%s tokens of %s are said to be findable with page size %s", known, one.tokens.size(),
                pageSize);
        check(one);
    }

    private void pin() {
        if (pins.size() == MOST_PINS || (!pins.isEmpty() && random.nextBoolean())) {
            pool.prefixes().unpin(pins.remove(random.nextInt(pins.size())));
            return;
        }
        PrefixMatch match = match(random.nextInt(NAMESPACES));
        if (match.length() > 0) {
            pool.prefixes().pin(match);
            pins.add(match);
        }
    }

    private Set<Integer> inUse() {
        Set<Integer> pages = new HashSet<>();
        held.forEach(one -> Arrays.stream(one.sequence.pages()).forEach(pages::add));
        pins.forEach(pin -> Arrays.stream(pin.pages()).forEach(pages::add));
        return pages;
    }

    private long references(int page) {
        return held.stream()
                .filter(one -> Arrays.stream(one.sequence.pages()).anyMatch(p -> p == page))
                .count();
    }

    /** Checks every sequence: its pages hold what was written for it, and nothing else. */
    void checkAll() {
        held.forEach(this::check);
    }

    private void check(Held one) {
        requireEqual("length of sequence " + one.sequence.id(), one.tokens.size(), one.sequence.length());
        checkHistory("sequence " + one.sequence.id(), one.sequence.pages(), one.tokens.size(), one.namespace,
                one.tokenArray());
    }

    private void checkHistory(String what, int[] pages, int length, int namespace, int[] tokens) {
        requireEqual("pages of " + what, Math.ceilDiv(length, pageSize), pages.length);
        long history = history(namespace, tokens, 0);
        for (int i = 0; i < length; i++) {
            history = next(history, tokens[i]);
            PoolRule.require(memory[pages[i / pageSize]][i % pageSize] == history,
                    "token %s of %s: slot %s of page %s holds what was written for another sequence", i, what,
                    i % pageSize, pages[i / pageSize]);
        }
    }

    private static long history(int namespace, int[] tokens, int length) {
        long history = namespace + 1;
        for (int i = 0; i < length; i++) {
            history = next(history, tokens[i]);
        }
        return history;
    }

    private static long next(long history, int token) {
        long mixed = (history ^ token + 1) * 0x9E3779B97F4A7C15L;
        return mixed ^ mixed >>> 32;
    }

    private static String name(int namespace) {
        return "tenant-" + namespace;
    }

    private static void requireEqual(String what, Object expected, Object got) {
        PoolRule.requireEqual(what, expected, got);
    }

    /** Frees everything; all pages must be there again. */
    void freeAll() {
        held.forEach(one -> one.sequence.free());
        held.clear();
        pins.forEach(pool.prefixes()::unpin);
        pins.clear();
        requireEqual("free pages after all was freed and unpinned", pool.totalPages(), pool.freePages());
    }
}
