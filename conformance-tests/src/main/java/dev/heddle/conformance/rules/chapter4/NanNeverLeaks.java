package dev.heddle.conformance.rules.chapter4;

import dev.heddle.conformance.ConformanceCase;
import dev.heddle.conformance.ConformanceFailure;
import dev.heddle.conformance.Kit;
import dev.heddle.conformance.KitOptions;
import dev.heddle.conformance.Rule;
import dev.heddle.conformance.Subject;
import dev.heddle.conformance.declared.Declared;
import dev.heddle.conformance.declared.Shape;
import dev.heddle.conformance.input.Output;
import dev.heddle.conformance.input.Placed;
import dev.heddle.conformance.input.Request;
import dev.heddle.conformance.input.RequestBuilder;
import dev.heddle.conformance.rules.support.Cases;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.capability.DtypeTuple;
import dev.heddle.core.page.PageTable;
import dev.heddle.core.session.SessionPlan;
import dev.heddle.core.tensor.DataType;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** 4.02: memory that holds no token is not read, or does not count. */
final class NanNeverLeaks implements Rule {
    @Override
    public String id() {
        return "4.02";
    }

    @Override
    public String claim() {
        return "NaN in unused slots of a last page, in unreferenced pages, and beyond a row's pages never leaks";
    }

    @Override
    public List<ConformanceCase> cases(Subject subject, KitOptions options) {
        Declared declared = new Declared(subject.provider().capabilities());
        Cases cases = new Cases(id(), declared, options);

        for (DtypeTuple dtype : declared.dtypes()) {
            if (dtype.k() == DataType.INT8 || dtype.v() == DataType.INT8) {
                continue; // an integer cannot hold NaN
            }
            // Every page size with the usual dtype, the usual page size with every other.
            int sizes = dtype.equals(declared.plainDtype()) ? declared.pageSizes().size() : 2;
            for (int page : declared.pageSizes().stream().limit(sizes).toList()) {
                AttentionSpec spec = declared.base(dtype).pageSize(page).build();
                Shape shape =
                        Cases.shape(declared, spec, new int[]{1, 4, 2}, new int[]{page + 1, 1, 2 * page + 3});
                cases.shaped("", shape, at -> kit -> unused(kit, declared, at));
            }
        }
        for (int page : declared.pageSizes().stream().limit(3).toList()) {
            AttentionSpec spec = declared.base().pageSize(page).build();
            Shape shape = Cases.shape(declared, spec, new int[]{1, 1}, new int[]{2 * page + 1, page});
            if (spec.kDtype() != DataType.INT8 && spec.vDtype() != DataType.INT8) {
                cases.shaped("freed-", shape, at -> kit -> freed(kit, declared, at));
            }
        }
        return cases.orNotDeclared("no dtype tuple whose K and V can hold NaN is declared");
    }

    private static void unused(Kit kit, Declared declared, Shape shape) {
        Request request = Cases.builder(declared, shape, kit.seed()).junk(Float.NaN).build();
        Output output = kit.run(request);
        requireNoNan(output, "NaN of slots or pages that hold no token leaks into out: skip those slots, do"
                + " not multiply them by zero", shape);
        kit.compare(request, output);
    }

    /** Two steps over one cache: the pages of the first are free, and hold NaN, when the second runs elsewhere. */
    private static void freed(Kit kit, Declared declared, Shape shape) {
        PageTable before =
                RequestBuilder.scattered(shape.spec().pageSize(), shape.kvLens(), new Random(kit.seed()));
        int[] pages = new int[before.totalPages()];
        before.copyKvIndices(pages, 0);
        Request first = Cases.builder(declared, shape, kit.seed())
                .table(elsewhere(before, pages, 0)).equalScales().build();
        Request second = Cases.builder(declared, shape, kit.seed() + 1).junk(Float.NaN)
                .table(elsewhere(before, pages, before.poolPages())).equalScales().build();
        try (Placed placed = kit.place(first);
                SessionPlan plan = kit.plan(first, kit.options())) {
            kit.compare(first, kit.run(plan, placed));
            placed.write(second);
            try (SessionPlan next = kit.plan(second, kit.options())) {
                Output output = kit.run(next, placed);
                requireNoNan(output,
                        "a step reads pages that were freed after the step before it: they hold NaN"
                                + " now, and it leaks into out; take pages from the batch of the plan that runs",
                        shape);
                kit.compare(second, output);
            }
        }
    }

    /** Returns the table with all pages so many further on, in a pool of twice as many. */
    private static PageTable elsewhere(PageTable table, int[] pages, int further) {
        int[] indptr = new int[table.batchSize() + 1];
        table.copyKvIndptr(indptr, 0);
        int[] last = new int[table.batchSize()];
        table.copyKvLastPageLen(last, 0);
        return PageTable.of(table.pageSize(), 2 * table.poolPages(), indptr,
                Arrays.stream(pages).map(page -> page + further).toArray(), last);
    }

    private static void requireNoNan(Output output, String otherwise, Shape shape) {
        for (int i = 0; i < output.out().length; i++) {
            if (Float.isNaN(output.out()[i])) {
                throw new ConformanceFailure(otherwise + "; out element " + i + " of " + shape.spec());
            }
        }
    }
}
