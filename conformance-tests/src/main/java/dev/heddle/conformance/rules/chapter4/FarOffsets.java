package dev.heddle.conformance.rules.chapter4;

import dev.heddle.conformance.ConformanceCase;
import dev.heddle.conformance.ConformanceFailure;
import dev.heddle.conformance.Kit;
import dev.heddle.conformance.KitOptions;
import dev.heddle.conformance.Rule;
import dev.heddle.conformance.Subject;
import dev.heddle.conformance.declared.Declared;
import dev.heddle.conformance.declared.Shape;
import dev.heddle.conformance.input.Placed;
import dev.heddle.conformance.input.Request;
import dev.heddle.conformance.input.RequestBuilder;
import dev.heddle.conformance.rules.support.Cases;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.CustomMask;
import dev.heddle.core.attention.KvLayout;
import dev.heddle.core.cache.KvCacheView;
import dev.heddle.core.page.PageTable;
import dev.heddle.core.session.BackendFailureException;
import dev.heddle.core.session.SessionPlan;
import java.util.List;

/** 4.07: caches larger than an int can count. */
final class FarOffsets implements Rule {
    @Override
    public String id() {
        return "4.07";
    }

    @Override
    public String claim() {
        return "Byte offsets beyond 2^31 and 2^32 are right";
    }

    private static final long[] MARKS = {1L << 31, 1L << 32};

    @Override
    public List<ConformanceCase> cases(Subject subject, KitOptions options) {
        Declared declared = new Declared(subject.provider().capabilities());
        Cases cases = new Cases(id(), declared, options);
        for (KvLayout layout : declared.layouts()) {
            AttentionSpec spec = declared.base().kvLayout(layout).build();
            for (long mark : MARKS) {
                if (farPages(spec, mark) <= declared.capabilities().pageIds().max()
                        && farPages(spec, mark) * pageBytes(spec) <= declared.capabilities().maxKvBytes()) {
                    cases.numeric("beyond2e" + Long.numberOfTrailingZeros(mark) + "-" + Shape.nameOf(spec),
                            kit -> far(kit, declared, spec, mark));
                } else {
                    cases.notDeclared("beyond2e" + Long.numberOfTrailingZeros(mark),
                            "caches of more than " + mark + " bytes are not declared");
                }
            }
        }
        return cases.orNotDeclared("caches of more than 2^31 bytes are not declared");
    }

    private static long pageBytes(AttentionSpec spec) {
        return Math.max(spec.kBytesPerPage(), spec.vBytesPerPage());
    }

    /** Returns pages whose last ones lie beyond a mark in K and in V alike. */
    private static long farPages(AttentionSpec spec, long mark) {
        return mark / Math.min(spec.kBytesPerPage(), spec.vBytesPerPage()) + 8;
    }

    private static void far(Kit kit, Declared declared, AttentionSpec spec, long mark) {
        int page = spec.pageSize();
        int pages = Math.toIntExact(farPages(spec, mark));
        // Request 0 lies around the mark, request 1 spans the whole cache.
        int[] far = {pages - 1, pages - 8, pages - 3, 0, pages - 2};
        int[] near = {0, 1, 2, 3, 4};
        int[] kvLens = {2 * page + 1, 2 * page};
        int[] indptr = {0, 3, 5};
        int[] last = {1, page};
        int[] qoIndptr = {0, 1, 2};
        Request small = RequestBuilder.of(spec).qoLens(1).seed(kit.seed()).kvLens(kvLens)
                .table(PageTable.of(page, near.length, indptr, near, last)).build();
        BatchShape batch = BatchShape.of(qoIndptr, PageTable.of(page, pages, indptr, far, last));
        CustomMask mask = small.batch().customMask();
        if (mask != null) {
            batch = batch.withMask(mask);
        }
        try (FarCache cache = FarCache.open(kit.space(), spec, pages);
                Placed placed = kit.place(small);
                SessionPlan plan = kit.plan(small.withBatch(batch), kit.options())) {
            for (int p = 0; p < near.length; p++) {
                cache.put(small.kv(), near[p], far[p]);
            }
            KvCacheView view = cache.view(spec, pages, small.kv().scales());
            try {
                plan.run(placed.q(), view, placed.out(), placed.lse(), placed.heads());
                plan.queue().synchronize();
            } catch (BackendFailureException e) {
                throw new ConformanceFailure("pages beyond " + mark + " bytes fail: " + e.getMessage(), e);
            }
            Cases.hinted("a cache of more than " + mark + " bytes needs 64-bit offsets",
                    () -> kit.compare(small, placed.read()));
        }
    }
}
