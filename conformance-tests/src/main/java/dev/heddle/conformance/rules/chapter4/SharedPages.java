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
import dev.heddle.core.page.PageTable;
import dev.heddle.core.session.SessionPlan;
import java.util.List;

/** 4.04: a prefix that requests share. */
final class SharedPages implements Rule {
    @Override
    public String id() {
        return "4.04";
    }

    @Override
    public String claim() {
        return "Pages shared by requests are legal and stay unwritten";
    }

    @Override
    public List<ConformanceCase> cases(Subject subject, KitOptions options) {
        Declared declared = new Declared(subject.provider().capabilities());
        Cases cases = new Cases(id(), declared, options);

        for (int page : declared.pageSizes()) {
            AttentionSpec spec = declared.base().pageSize(page).build();
            int[] kvLens = declared.kvLens(2 * page + 1, 2 * page + Math.min(page, 2), 3 * page);
            cases.numeric(Shape.nameOf(spec) + "-shared", kit -> shared(kit, declared, spec, kvLens));
        }
        return cases.orNotDeclared("never empty");
    }

    private static void shared(Kit kit, Declared declared, AttentionSpec spec, int[] kvLens) {
        int page = spec.pageSize();
        int[] indptr = new int[kvLens.length + 1];
        int[] last = new int[kvLens.length];
        int[] ids = new int[4 * kvLens.length];
        int next = 0;
        for (int i = 0; i < kvLens.length; i++) {
            int pages = Math.min(4, Math.ceilDiv(kvLens[i], page));
            for (int p = 0; p < pages; p++) {
                ids[next++] = p < 2 ? 5 - p : 6 + i; // the first two pages are the same for all
            }
            indptr[i + 1] = next;
            last[i] = pages == 0 ? 0 : Math.min(page, kvLens[i] - (pages - 1) * page);
        }
        PageTable table = PageTable.of(page, 6 + kvLens.length, indptr, ids, last);
        Request request = RequestBuilder.of(spec).qoLens(declared.qoLens(1)).seed(kit.seed())
                .alignment(declared.capabilities().alignment()).table(table).build();
        try (Placed placed = kit.place(request);
                SessionPlan plan = kit.plan(request, kit.options())) {
            Output output = kit.runUnwatched(plan, placed);
            String trespass = placed.trespass();
            if (trespass.startsWith("the input")) {
                throw new ConformanceFailure(trespass + ": pages are shared and must stay unwritten");
            }
            kit.compare(request, output);
        }
    }
}
