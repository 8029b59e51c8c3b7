package dev.heddle.conformance.rules.chapter4;

import dev.heddle.conformance.ConformanceCase;
import dev.heddle.conformance.ConformanceFailure;
import dev.heddle.conformance.Kit;
import dev.heddle.conformance.KitOptions;
import dev.heddle.conformance.Rule;
import dev.heddle.conformance.Subject;
import dev.heddle.conformance.declared.Declared;
import dev.heddle.conformance.input.Output;
import dev.heddle.conformance.input.Placed;
import dev.heddle.conformance.input.Request;
import dev.heddle.conformance.rules.support.Cases;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.CustomMask;
import dev.heddle.core.page.InvalidPageTableException;
import dev.heddle.core.page.PageTable;
import dev.heddle.core.session.SessionPlan;
import java.util.List;

/** 4.06: a bad table is refused before anything is written. */
final class BadTables implements Rule {
    @Override
    public String id() {
        return "4.06";
    }

    @Override
    public String claim() {
        return "A bad table is refused, naming request, index and value, with nothing written";
    }

    private static final int PAGE = 16;
    private static final int POOL = 8;

    private record Bad(
            String name, int[] kvIndptr, int[] kvIndices, int[] last, int[] qoIndptr, int request,
            String field,
            int index, long value) {}

    // Three requests of two pages, one page and no page, broken in one place each.
    private static final List<Bad> BAD = List.of(
            bad("negative-id", new int[]{0, 2, 3, 3}, new int[]{1, -1, 2}, new int[]{16, 5, 0}, 0,
                    "kv_indices", 1, -1),
            bad("id-too-large", new int[]{0, 2, 3, 3}, new int[]{1, 3, 8}, new int[]{16, 5, 0}, 1,
                    "kv_indices", 2, 8),
            bad("id-huge", new int[]{0, 2, 3, 3}, new int[]{Integer.MAX_VALUE, 3, 1}, new int[]{16, 5, 0}, 0,
                    "kv_indices", 0, Integer.MAX_VALUE),
            bad("indptr-not-from-0", new int[]{1, 2, 3, 3}, new int[]{1, 2, 3}, new int[]{16, 5, 0}, -1,
                    "kv_indptr", 0,
                    1),
            bad("indptr-falls", new int[]{0, 3, 2, 3}, new int[]{1, 2, 3}, new int[]{16, 5, 1}, 1,
                    "kv_indptr", 2, 2),
            bad("last-page-too-long", new int[]{0, 2, 3, 3}, new int[]{1, 2, 3}, new int[]{16, 17, 0}, 1,
                    "kv_last_page_len", 1, 17),
            bad("last-page-zero", new int[]{0, 2, 3, 3}, new int[]{1, 2, 3}, new int[]{0, 5, 0}, 0,
                    "kv_last_page_len",
                    0, 0),
            bad("last-page-negative", new int[]{0, 2, 3, 3}, new int[]{1, 2, 3}, new int[]{16, -3, 0}, 1,
                    "kv_last_page_len", 1, -3),
            bad("last-page-without-pages", new int[]{0, 2, 3, 3}, new int[]{1, 2, 3}, new int[]{16, 5, 4}, 2,
                    "kv_last_page_len", 2, 4),
            bad("indices-too-short", new int[]{0, 2, 3, 3}, new int[]{1, 2}, new int[]{16, 5, 0}, -1,
                    "kv_indices", -1,
                    2),
            bad("last-page-too-short", new int[]{0, 2, 3, 3}, new int[]{1, 2, 3}, new int[]{16, 5}, -1,
                    "kv_last_page_len", -1, 2),
            bad("indptr-empty", new int[]{}, new int[]{1}, new int[]{16}, -1, "kv_indptr", -1, 0),
            new Bad("qo-indptr-falls", new int[]{0, 2, 3, 3}, new int[]{1, 2, 3}, new int[]{16, 5, 0},
                    new int[]{0, 2, 1, 3}, 1, "qo_indptr", 2, 1),
            new Bad("qo-indptr-not-from-0", new int[]{0, 2, 3, 3}, new int[]{1, 2, 3}, new int[]{16, 5, 0},
                    new int[]{1, 2, 3, 4}, -1, "qo_indptr", 0, 1),
            new Bad("qo-indptr-too-short", new int[]{0, 2, 3, 3}, new int[]{1, 2, 3}, new int[]{16, 5, 0},
                    new int[]{0, 1}, -1, "qo_indptr", -1, 2));

    private static Bad bad(
            String name, int[] kvIndptr, int[] kvIndices, int[] last, int request, String field, int index,
            long value) {
        return new Bad(name, kvIndptr, kvIndices, last, new int[]{0, 1, 2, 3}, request, field, index, value);
    }

    @Override
    public List<ConformanceCase> cases(Subject subject, KitOptions options) {
        Declared declared = new Declared(subject.provider().capabilities());
        Cases cases = new Cases(id(), declared, options);
        for (Bad bad : BAD) {
            cases.plain(bad.name(), kit -> refused(kit, bad));
        }
        cases.plain("pool-larger-than-cache", kit -> smallCache(kit, declared));
        return cases.orNotDeclared("never empty");
    }

    private static void refused(Kit kit, Bad bad) {
        BatchShape made;
        try {
            made = kit.subject().house().tables().make(PAGE, POOL, bad.kvIndptr(), bad.kvIndices(),
                    bad.last(), bad.qoIndptr());
        } catch (InvalidPageTableException e) {
            boolean named = e.request() == bad.request()
                    && e.field().contains(bad.field())
                    && e.index() == bad.index()
                    && e.value() == bad.value()
                    && e.getMessage().contains(String.valueOf(bad.value()));
            if (!named) {
                throw new ConformanceFailure("the refusal must name request " + bad.request() + ", "
                        + bad.field() + "["
                        + bad.index() + "] and value " + bad.value() + ", got request " + e.request() + ", "
                        + e.field() + "[" + e.index() + "], value " + e.value() + ": " + e.getMessage());
            }
            return;
        } catch (RuntimeException e) {
            throw new ConformanceFailure("a bad table (" + bad.name() + ") must be refused with an"
                    + " InvalidPageTableException that names request, index and value, got " + e, e);
        }
        throw new ConformanceFailure("a bad table (" + bad.name() + ") was taken: " + made);
    }

    /** A table may be right in itself and still name pages that a run's cache does not have. */
    private static void smallCache(Kit kit, Declared declared) {
        AttentionSpec spec = declared.base().build();
        Request request = Cases.request(
                declared, Cases.shape(declared, spec, new int[]{1}, new int[]{3 * spec.pageSize()}),
                kit.seed());
        PageTable pages = request.batch().pageTable();
        int top = request.kv().numPages();
        int[] ids = new int[pages.totalPages()];
        pages.copyKvIndices(ids, 0);
        ids[ids.length - 1] = top;
        int[] indptr = new int[pages.batchSize() + 1];
        pages.copyKvIndptr(indptr, 0);
        int[] last = new int[pages.batchSize()];
        pages.copyKvLastPageLen(last, 0);
        int[] qoIndptr = new int[pages.batchSize() + 1];
        request.batch().copyQoIndptr(qoIndptr, 0);
        BatchShape beyond =
                BatchShape.of(qoIndptr, PageTable.of(spec.pageSize(), top + 1, indptr, ids, last));
        if (!kit.session().support(spec, beyond, kit.options()).isSupported()) {
            return; // refused already, by the declared page ids
        }
        try (Placed placed = kit.place(request);
                SessionPlan plan = kit.plan(request.withBatch(maskedLike(request, beyond)), kit.options())) {
            Output before = placed.read();
            try {
                plan.run(placed.q(), placed.kv(), placed.out(), placed.lse(), placed.heads());
            } catch (IllegalArgumentException e) {
                kit.requireSameBits("a refused run wrote its output", before, placed.read());
                return;
            }
            throw new ConformanceFailure("page id " + top + " was taken with a cache of " + top + " pages");
        }
    }

    private static BatchShape maskedLike(Request request, BatchShape batch) {
        CustomMask mask = request.batch().customMask();
        return mask == null ? batch : batch.withMask(mask);
    }
}
