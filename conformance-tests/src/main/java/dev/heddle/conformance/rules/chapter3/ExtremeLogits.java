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
import dev.heddle.conformance.rules.support.Cases;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.cache.HostKvAccess;
import dev.heddle.core.capability.DtypeTuple;
import dev.heddle.core.tensor.HostTensors;
import java.util.List;

/** 3.04: exponentials that overflow or vanish without the maximum taken off. */
final class ExtremeLogits implements Rule {
    @Override
    public String id() {
        return "3.04";
    }

    @Override
    public String claim() {
        return "Logits of +-1e4 give neither NaN nor infinity";
    }

    @Override
    public List<ConformanceCase> cases(Subject subject, KitOptions options) {
        Declared declared = new Declared(subject.provider().capabilities());
        Cases cases = new Cases(id(), declared, options);

        for (DtypeTuple dtype : declared.dtypes()) {
            if (!dtype.k().isQuantised()) {
                AttentionSpec spec = declared.base(dtype).build();
                Shape shape = Cases.shape(declared, spec, new int[]{1, 3}, new int[]{75, 33});
                cases.shaped("plus1e4-", shape, s -> kit -> extreme(kit, declared, s, 1e4f, 1e4f));
                cases.shaped("minus1e4-", shape, s -> kit -> extreme(kit, declared, s, -1e4f, -1e4f));
                cases.shaped("both1e4-", shape, s -> kit -> extreme(kit, declared, s, 1e4f, -1e4f));
            }
        }
        return cases.orNotDeclared("no dtype tuple with floating-point keys of 16 bits or more is declared");
    }

    /** Even tokens get one logit, odd tokens the other: one element of q and k carries it. */
    private static void extreme(Kit kit, Declared declared, Shape shape, float even, float odd) {
        Request request = Cases.request(declared, shape, kit.seed());
        AttentionSpec spec = request.spec();
        float[] q = new float[(int) request.q().elements()];
        float scaled = 100;
        for (int i = 0; i < q.length; i += spec.headDimQk()) {
            q[i] = scaled;
        }
        HostTensors.fill(request.q(), q);
        float[] key = new float[spec.headDimQk()];
        for (int i = 0; i < request.batch().batchSize(); i++) {
            for (int t = 0; t < request.batch().kvLen(i); t++) {
                key[0] = (t % 2 == 0 ? even : odd) / scaled / spec.smScale();
                int page = request.batch().pageTable().pageOf(i, t);
                for (int h = 0; h < spec.numKvHeads(); h++) {
                    HostKvAccess.putKey(request.kv(), page, t % spec.pageSize(), h, key, 0);
                }
            }
        }
        Output output = kit.run(request);
        requireFinite("out", output.out(), spec);
        requireFinite("LSE", output.lse(), spec);
        // Logits are equal or 2e4 apart, so the softmax is exact even in f32; only the LSE's own size costs digits.
        kit.compare(request.withSpec(spec.toBuilder().lse(false).build()),
                new Output(output.out(), new float[0]));
    }

    private static void requireFinite(String what, float[] values, AttentionSpec spec) {
        for (int i = 0; i < values.length; i++) {
            if (!Float.isFinite(values[i])) {
                throw new ConformanceFailure(
                        what + " element " + i + " is " + values[i] + " with logits of 1e4; take"
                                + " the maximum off before the exponential: " + spec);
            }
        }
    }
}
