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
import dev.heddle.conformance.input.Request;
import dev.heddle.conformance.rules.support.Cases;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.Feature;
import dev.heddle.core.capability.DtypeTuple;
import java.util.Arrays;
import java.util.List;

/** 4.01: nothing to attend to is an answer too. */
final class EmptySequences implements Rule {
    @Override
    public String id() {
        return "4.01";
    }

    @Override
    public String claim() {
        return "kv_len 0 gives zeros and -infinity, written over poison";
    }

    @Override
    public List<ConformanceCase> cases(Subject subject, KitOptions options) {
        Declared declared = new Declared(subject.provider().capabilities());
        Cases cases = new Cases(id(), declared, options);

        if (!declared.capabilities().kvLen().contains(0)) {
            return cases.orNotDeclared("kv_len 0 is not declared");
        }
        for (DtypeTuple dtype : declared.dtypes()) {
            for (int page : declared.pageSizes().stream().limit(2).toList()) {
                AttentionSpec spec = declared.base(dtype).pageSize(page).build();
                add(cases, declared, spec, new int[]{0, 37, 0, 20});
                add(cases, declared, spec, new int[]{0, 0});
            }
        }
        if (declared.has(Feature.SINKS)) {
            add(cases, declared, declared.base().sinks(true).build(), new int[]{0, 37});
        }
        return cases.orNotDeclared("never empty");
    }

    private static void add(Cases cases, Declared declared, AttentionSpec spec, int[] kvLens) {
        for (int qoLen : new int[]{1, 3}) {
            Shape full =
                    new Shape(spec, declared.qoLens(lens(qoLen, kvLens.length)), declared.kvLens(kvLens));
            cases.shaped("", full, s -> kit -> empty(kit, declared, s));
        }
    }

    private static int[] lens(int len, int count) {
        int[] lens = new int[count];
        Arrays.fill(lens, len);
        return lens;
    }

    private static void empty(Kit kit, Declared declared, Shape shape) {
        Request request = Cases.request(declared, shape, kit.seed());
        Output output = kit.run(request);
        AttentionSpec spec = request.spec();
        for (int i = 0; i < request.batch().batchSize(); i++) {
            if (request.batch().kvLen(i) > 0) {
                continue;
            }
            int from = request.batch().qoIndptr(i) * spec.numQoHeads();
            int to = request.batch().qoIndptr(i + 1) * spec.numQoHeads();
            for (int at = from * spec.headDimVo(); at < to * spec.headDimVo(); at++) {
                if (output.out()[at] != 0) {
                    throw new ConformanceFailure(
                            "request " + i + " has kv_len 0: its rows of out must be written as"
                                    + " zeros, got " + output.out()[at] + (Float.isNaN(output.out()[at])
                                            ? " (the poison of unwritten memory is NaN)" : ""));
                }
            }
            for (int at = from; spec.lse() && !spec.sinks() && at < to; at++) {
                if (output.lse()[at] != Float.NEGATIVE_INFINITY) {
                    throw new ConformanceFailure("request " + i + " has kv_len 0: its LSE must be written as"
                            + " -Infinity, got " + output.lse()[at]);
                }
            }
        }
        kit.compare(request, output);
    }
}
