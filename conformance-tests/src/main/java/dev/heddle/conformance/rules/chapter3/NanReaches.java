package dev.heddle.conformance.rules.chapter3;

import dev.heddle.conformance.ConformanceCase;
import dev.heddle.conformance.ConformanceFailure;
import dev.heddle.conformance.Kit;
import dev.heddle.conformance.KitOptions;
import dev.heddle.conformance.Rule;
import dev.heddle.conformance.Subject;
import dev.heddle.conformance.declared.Declared;
import dev.heddle.conformance.declared.Shape;
import dev.heddle.conformance.input.Output;
import dev.heddle.conformance.input.Request;
import dev.heddle.conformance.oracle.Expected;
import dev.heddle.conformance.oracle.Oracle;
import dev.heddle.conformance.rules.support.Cases;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.AttentionSpecBuilder;
import dev.heddle.core.attention.MaskKind;
import dev.heddle.core.cache.HostKvAccess;
import dev.heddle.core.capability.DtypeTuple;
import dev.heddle.core.tensor.DataType;
import java.util.Arrays;
import java.util.List;

/** 3.07: NaN goes where attention goes, and nowhere else. */
final class NanReaches implements Rule {
    @Override
    public String id() {
        return "3.07";
    }

    @Override
    public String claim() {
        return "NaN in an attended slot reaches exactly the rows that attend to it";
    }

    @Override
    public List<ConformanceCase> cases(Subject subject, KitOptions options) {
        Declared declared = new Declared(subject.provider().capabilities());
        Cases cases = new Cases(id(), declared, options);

        for (DtypeTuple dtype : declared.dtypes()) {
            if (dtype.k() == DataType.INT8 || dtype.v() == DataType.INT8) {
                continue; // an integer cannot hold NaN
            }
            AttentionSpecBuilder builder = declared.base(dtype);
            if (declared.has(MaskKind.CAUSAL)) {
                builder.causal();
            }
            Shape shape = Cases.shape(declared, builder.build(), new int[]{4, 5}, new int[]{40, 37});
            cases.shaped("key-", shape, s -> kit -> poisoned(kit, declared, s, true));
            cases.shaped("value-", shape, s -> kit -> poisoned(kit, declared, s, false));
        }
        return cases.orNotDeclared("no dtype tuple whose K and V can hold NaN is declared");
    }

    private static void poisoned(Kit kit, Declared declared, Shape shape, boolean inKey) {
        Request request = Cases.request(declared, shape, kit.seed());
        AttentionSpec spec = request.spec();
        float[] nan = new float[Math.max(spec.headDimQk(), spec.headDimVo())];
        Arrays.fill(nan, Float.NaN);
        int last = request.batch().batchSize() - 1;
        // The last token but one: causal rows before it must stay clean.
        int token = Math.max(0, request.batch().kvLen(last) - 2);
        int page = request.batch().pageTable().pageOf(last, token);
        if (inKey) {
            HostKvAccess.putKey(request.kv(), page, token % spec.pageSize(), 0, nan, 0);
        } else {
            HostKvAccess.putValue(request.kv(), page, token % spec.pageSize(), 0, nan, 0);
        }
        Output output = kit.run(request);
        Expected expected = Oracle.attend(spec, request.batch(), request.q(), request.kv(), request.heads());
        for (int i = 0; i < output.out().length; i++) {
            boolean wanted = Double.isNaN(expected.out()[i]);
            if (Float.isNaN(output.out()[i]) != wanted) {
                int head = i / spec.headDimVo() % spec.numQoHeads();
                int row = i / spec.headDimVo() / spec.numQoHeads();
                throw new ConformanceFailure("a NaN " + (inKey ? "key" : "value") + " of KV head 0 "
                        + (wanted ? "does not reach row " : "leaks into row ") + row + ", head " + head
                        + (wanted ? ", which attends to it: " : ", which does not attend to it: ") + spec);
            }
        }
        kit.compare(request, output);
    }
}
