package dev.heddle.conformance.saboteur;

import dev.heddle.core.page.PageTable;
import dev.heddle.core.pool.AppendResult;
import dev.heddle.core.pool.PagePool;
import dev.heddle.core.pool.PageSequence;
import dev.heddle.core.pool.PlainPagePool;
import dev.heddle.core.pool.PrefixCache;
import dev.heddle.core.pool.PrefixMatch;
import java.util.List;

/** The plain pool with places where a saboteur may step in. */
class BentPool implements PagePool {
    private final PlainPagePool pool;

    BentPool(int pageSize, int totalPages) {
        pool = new PlainPagePool(pageSize, totalPages);
    }

    @Override
    public int pageSize() {
        return pool.pageSize();
    }

    @Override
    public int totalPages() {
        return pool.totalPages();
    }

    @Override
    public int freePages() {
        return pool.freePages();
    }

    @Override
    public PageSequence allocate() {
        return new Sequence(pool.allocate());
    }

    @Override
    public PageSequence allocate(PrefixMatch match) {
        return new Sequence(pool.allocate(match));
    }

    @Override
    public PrefixCache prefixes() {
        PrefixCache cache = pool.prefixes();
        return new PrefixCache() {
            @Override
            public int publish(String namespace, PageSequence sequence, int[] tokens) {
                return cache.publish(bendNamespace(namespace), ((Sequence) sequence).sequence,
                        bendTokens(tokens));
            }

            @Override
            public PrefixMatch match(String namespace, int[] tokens) {
                return cache.match(bendNamespace(namespace), bendPrompt(bendTokens(tokens)));
            }

            @Override
            public void pin(PrefixMatch match) {
                bendPin(cache, match);
            }

            @Override
            public void unpin(PrefixMatch match) {
                cache.unpin(match);
            }

            @Override
            public int cachedPages() {
                return cache.cachedPages();
            }
        };
    }

    @Override
    public PageTable toPageTable(List<? extends PageSequence> sequences) {
        return pool.toPageTable(sequences.stream().map(s -> ((Sequence) s).sequence).toList());
    }

    String bendNamespace(String namespace) {
        return namespace;
    }

    int[] bendTokens(int[] tokens) {
        return tokens;
    }

    int[] bendPrompt(int[] tokens) {
        return tokens;
    }

    void bendPin(PrefixCache cache, PrefixMatch match) {
        cache.pin(match);
    }

    int[] bendPages(int[] pages) {
        return pages;
    }

    AppendResult bendAppend(AppendResult result, PageSequence sequence) {
        return result;
    }

    int[] bendTruncate(PageSequence sequence, int newLength) {
        return sequence.truncate(newLength);
    }

    void bendFree(PageSequence sequence) {
        sequence.free();
    }

    private final class Sequence implements PageSequence {
        private final PageSequence sequence;

        private Sequence(PageSequence sequence) {
            this.sequence = sequence;
        }

        @Override
        public long id() {
            return sequence.id();
        }

        @Override
        public int length() {
            return sequence.length();
        }

        @Override
        public int[] pages() {
            return bendPages(sequence.pages());
        }

        @Override
        public AppendResult append(int tokens) {
            return bendAppend(sequence.append(tokens), sequence);
        }

        @Override
        public int[] truncate(int newLength) {
            return bendTruncate(sequence, newLength);
        }

        @Override
        public PageSequence fork() {
            return new Sequence(sequence.fork());
        }

        @Override
        public void free() {
            bendFree(sequence);
        }
    }
}
