package dev.heddle.conformance.saboteur;

import dev.heddle.conformance.PagePoolFactory;
import dev.heddle.core.pool.AppendResult;
import dev.heddle.core.pool.Exhaustion;
import dev.heddle.core.pool.PagePool;
import dev.heddle.core.pool.PageSequence;
import dev.heddle.core.pool.PrefixCache;
import dev.heddle.core.pool.PrefixMatch;
import dev.heddle.core.spi.AttentionBackendProvider;
import java.util.Arrays;
import java.util.List;

/** Page pools with one fault each. */
final class WrongPools {
    private WrongPools() {}

    /** A backend that brings a pool of its own. */
    static final class Bringing extends Wrapper implements PagePoolFactory {
        private final PagePoolFactory pools;

        Bringing(AttentionBackendProvider real, PagePoolFactory pools) {
            super(real);
            this.pools = pools;
        }

        @Override
        public PagePool newPool(int pageSize, int totalPages) {
            return pools.newPool(pageSize, totalPages);
        }
    }

    /** Two pages share an id. */
    static PagePool givesTwice(int pageSize, int pages) {
        return new BentPool(pageSize, pages) {
            @Override
            int[] bendPages(int[] ids) {
                return Arrays.stream(ids).map(id -> id / 2).toArray();
            }
        };
    }

    /** A second free says nothing. */
    static PagePool ignoresDoubleFree(int pageSize, int pages) {
        return new BentPool(pageSize, pages) {
            @Override
            void bendFree(PageSequence sequence) {
                try {
                    sequence.free();
                } catch (IllegalStateException e) {
                    return; // says nothing
                }
            }
        };
    }

    /** Appends start at the beginning of a page, they say. */
    static PagePool wrongFirstSlot(int pageSize, int pages) {
        return new BentPool(pageSize, pages) {
            @Override
            AppendResult bendAppend(AppendResult result, PageSequence sequence) {
                return result instanceof AppendResult.Appended a
                        ? new AppendResult.Appended(a.firstToken(), a.tokens(), 0, a.copies())
                        : result;
            }
        };
    }

    /** The first write to a shared page asks for no copy. */
    static PagePool forgetsCopies(int pageSize, int pages) {
        return new BentPool(pageSize, pages) {
            @Override
            AppendResult bendAppend(AppendResult result, PageSequence sequence) {
                return result instanceof AppendResult.Appended a
                        ? new AppendResult.Appended(a.firstToken(), a.tokens(), a.firstSlot(), List.of())
                        : result;
            }
        };
    }

    /** A truncated sequence keeps a page too many. */
    static PagePool truncatesTooLittle(int pageSize, int pages) {
        return new BentPool(pageSize, pages) {
            @Override
            int[] bendTruncate(PageSequence sequence, int newLength) {
                return sequence.truncate(Math.min(sequence.length(), newLength + pageSize()));
            }
        };
    }

    /** Prefixes of one tenant are found by another. */
    static PagePool mixesNamespaces(int pageSize, int pages) {
        return new BentPool(pageSize, pages) {
            @Override
            String bendNamespace(String namespace) {
                return "all";
            }
        };
    }

    /** A whole prompt matches, so that no token is left to compute. */
    static PagePool matchesWholePrompts(int pageSize, int pages) {
        return new BentPool(pageSize, pages) {
            @Override
            int[] bendPrompt(int[] tokens) {
                return Arrays.copyOf(tokens, tokens.length + 1);
            }
        };
    }

    /** Tokens of a page are known by their sum only. */
    static PagePool comparesShortHashes(int pageSize, int pages) {
        return new BentPool(pageSize, pages) {
            @Override
            int[] bendTokens(int[] tokens) {
                int[] bent = tokens.clone();
                for (int from = 0; from < bent.length; from += pageSize()) {
                    int to = Math.min(bent.length, from + pageSize());
                    Arrays.fill(bent, from, to, Arrays.stream(tokens, from, to).sum());
                }
                return bent;
            }
        };
    }

    /** A pin does not hold. */
    static PagePool forgetsPins(int pageSize, int pages) {
        return new BentPool(pageSize, pages) {
            @Override
            void bendPin(PrefixCache cache, PrefixMatch match) {
                cache.pin(match);
                cache.unpin(match);
            }
        };
    }

    /** What will never fit is told to come back later. */
    static PagePool alwaysLater(int pageSize, int pages) {
        return new BentPool(pageSize, pages) {
            @Override
            AppendResult bendAppend(AppendResult result, PageSequence sequence) {
                return result instanceof AppendResult.Exhausted e
                        ? new AppendResult.Exhausted(Exhaustion.LATER, e.neededPages(), e.freePages())
                        : result;
            }
        };
    }

    /** An append that does not fit takes what there is. */
    static PagePool takesWhatThereIs(int pageSize, int pages) {
        return new BentPool(pageSize, pages) {
            @Override
            AppendResult bendAppend(AppendResult result, PageSequence sequence) {
                if (result instanceof AppendResult.Exhausted) {
                    sequence.append(1);
                }
                return result;
            }
        };
    }

    /** Once in a thousand frees, pages are lost. */
    static PagePool losesPages(int pageSize, int pages) {
        return new BentPool(pageSize, pages) {
            private int frees;

            @Override
            void bendFree(PageSequence sequence) {
                if (++frees % 1000 == 0) {
                    sequence.fork(); // nobody will ever free it
                }
                sequence.free();
            }
        };
    }
}
