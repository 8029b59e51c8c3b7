package dev.heddle.conformance.rules.chapter6;

import static dev.heddle.conformance.rules.Rules.assertCatches;
import static dev.heddle.conformance.rules.Rules.assertPasses;

import dev.heddle.conformance.PagePoolFactory;
import dev.heddle.conformance.Rule;
import dev.heddle.conformance.reference.PlainBackend;
import dev.heddle.conformance.rules.Wrapped;
import dev.heddle.core.pool.AppendResult;
import dev.heddle.core.pool.Exhaustion;
import dev.heddle.core.pool.PagePool;
import dev.heddle.core.pool.PageSequence;
import dev.heddle.core.pool.PrefixCache;
import dev.heddle.core.pool.PrefixMatch;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class Chapter6Test {
    /** A subject that brings its own pool. */
    private static final class Bringing extends Wrapped implements PagePoolFactory {
        private final PagePoolFactory pools;

        private Bringing(PagePoolFactory pools) {
            this.pools = pools;
        }

        @Override
        public PagePool newPool(int pageSize, int totalPages) {
            return pools.newPool(pageSize, totalPages);
        }
    }

    private static void caught(Rule rule, PagePoolFactory pools, String... words) {
        assertCatches(rule, new Bringing(pools), words);
    }

    @Test
    void corePoolPasses() {
        for (Rule rule : Chapter6.rules()) {
            assertPasses(rule, new PlainBackend());
        }
    }

    @Test
    void aPoolBehindAnotherClassPassesToo() {
        for (Rule rule : Chapter6.rules()) {
            assertPasses(rule, new Bringing(BentPool::new));
        }
    }

    @Test
    void pageGivenTwiceIsCaught() {
        PagePoolFactory pools = (pageSize, pages) -> new BentPool(pageSize, pages) {
            @Override
            int[] bendPages(int[] ids) {
                return Arrays.stream(ids).map(id -> id / 2).toArray();
            }
        };
        caught(new UniquePages(), pools, "was given twice");
        caught(new RandomOperations(), pools, "operation");
    }

    @Test
    void doubleFreeThatIsIgnoredIsCaught() {
        caught(new UniquePages(), (pageSize, pages) -> new BentPool(pageSize, pages) {
            @Override
            void bendFree(PageSequence sequence) {
                try {
                    sequence.free();
                } catch (IllegalStateException e) {
                    return; // says nothing
                }
            }
        }, "a second free must throw IllegalStateException");
    }

    @Test
    void wrongFirstSlotIsCaught() {
        caught(new Appends(), (pageSize, pages) -> new BentPool(pageSize, pages) {
            @Override
            AppendResult bendAppend(AppendResult result, PageSequence sequence) {
                return result instanceof AppendResult.Appended a
                        ? new AppendResult.Appended(a.firstToken(), a.tokens(), 0, a.copies())
                        : result;
            }
        }, "first slot");
    }

    @Test
    void forgottenCopyIsCaught() {
        PagePoolFactory pools = (pageSize, pages) -> new BentPool(pageSize, pages) {
            @Override
            AppendResult bendAppend(AppendResult result, PageSequence sequence) {
                return result instanceof AppendResult.Appended a
                        ? new AppendResult.Appended(a.firstToken(), a.tokens(), a.firstSlot(), List.of())
                        : result;
            }
        };
        caught(new Forks(), pools, "copies of the first write to a shared page");
        caught(new RandomOperations(), pools, "operation");
    }

    @Test
    void truncateThatKeepsAPageIsCaught() {
        caught(new Truncates(), (pageSize, pages) -> new BentPool(pageSize, pages) {
            @Override
            int[] bendTruncate(PageSequence sequence, int newLength) {
                return sequence.truncate(Math.min(sequence.length(), newLength + pageSize()));
            }
        }, "truncate from");
    }

    @Test
    void namespacesThatMeetAreCaught() {
        caught(new Prefixes(), (pageSize, pages) -> new BentPool(pageSize, pages) {
            @Override
            String bendNamespace(String namespace) {
                return "all";
            }
        }, "another namespace");
    }

    @Test
    void wholePromptMatchIsCaught() {
        caught(new Prefixes(), (pageSize, pages) -> new BentPool(pageSize, pages) {
            @Override
            int[] bendPrompt(int[] tokens) {
                return Arrays.copyOf(tokens, tokens.length + 1);
            }
        }, "length of the prefix match");
    }

    @Test
    void prefixesComparedByAShortHashAreCaught() {
        caught(new Prefixes(), (pageSize, pages) -> new BentPool(pageSize, pages) {
            // Tokens of a page are known by their sum only.
            @Override
            int[] bendTokens(int[] tokens) {
                int[] bent = tokens.clone();
                for (int from = 0; from < bent.length; from += pageSize()) {
                    int to = Math.min(bent.length, from + pageSize());
                    Arrays.fill(bent, from, to, Arrays.stream(tokens, from, to).sum());
                }
                return bent;
            }
        }, "are known");
    }

    @Test
    void pinThatDoesNotHoldIsCaught() {
        caught(new Evictions(), (pageSize, pages) -> new BentPool(pageSize, pages) {
            @Override
            void bendPin(PrefixCache cache, PrefixMatch match) {
                cache.pin(match);
                cache.unpin(match);
            }
        }, "free pages: all but those referenced or pinned");
    }

    @Test
    void exhaustionThatAlwaysSaysLaterIsCaught() {
        caught(new Exhausts(), (pageSize, pages) -> new BentPool(pageSize, pages) {
            @Override
            AppendResult bendAppend(AppendResult result, PageSequence sequence) {
                return result instanceof AppendResult.Exhausted e
                        ? new AppendResult.Exhausted(Exhaustion.LATER, e.neededPages(), e.freePages())
                        : result;
            }
        }, "NEVER was expected, got LATER");
    }

    @Test
    void exhaustionThatChangesSomethingIsCaught() {
        caught(new Exhausts(), (pageSize, pages) -> new BentPool(pageSize, pages) {
            @Override
            AppendResult bendAppend(AppendResult result, PageSequence sequence) {
                if (result instanceof AppendResult.Exhausted) {
                    sequence.append(1);
                }
                return result;
            }
        }, "after:");
    }

    @Test
    void lostPageIsCaught() {
        caught(new RandomOperations(), (pageSize, pages) -> new BentPool(pageSize, pages) {
            private int frees;

            @Override
            void bendFree(PageSequence sequence) {
                if (++frees % 1000 == 0) {
                    sequence.fork(); // nobody will ever free it
                }
                sequence.free();
            }
        }, "free pages after");
    }
}
