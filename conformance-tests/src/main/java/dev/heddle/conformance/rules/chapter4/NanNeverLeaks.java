package dev.heddle.conformance.rules.chapter4;

import dev.heddle.conformance.ConformanceCase;
import dev.heddle.conformance.ConformanceFailure;
import dev.heddle.conformance.KitOptions;
import dev.heddle.conformance.Rule;
import dev.heddle.conformance.Subject;
import dev.heddle.conformance.declared.Declared;
import dev.heddle.conformance.declared.Shape;
import dev.heddle.conformance.input.Output;
import dev.heddle.conformance.input.Request;
import dev.heddle.conformance.rules.support.Cases;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.capability.DtypeTuple;
import dev.heddle.core.tensor.DataType;
import java.util.List;

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
                cases.numeric(shape.name(), kit -> {
                    Request request = Cases.builder(declared, shape, kit.seed()).junk(Float.NaN).build();
                    Output output = kit.run(request);
                    for (int i = 0; i < output.out().length; i++) {
                        if (Float.isNaN(output.out()[i])) {
                            throw new ConformanceFailure(
                                    "NaN of slots or pages that hold no token leaks into out"
                                            + " element " + i
                                            + ": skip those slots, do not multiply them by zero; " + spec);
                        }
                    }
                    kit.compare(request, output);
                });
            }
        }
        return cases.orNotDeclared("no dtype tuple whose K and V can hold NaN is declared");
    }
}
