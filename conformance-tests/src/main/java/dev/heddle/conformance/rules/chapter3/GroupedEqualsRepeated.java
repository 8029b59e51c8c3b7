package dev.heddle.conformance.rules.chapter3;

import dev.heddle.conformance.ConformanceCase;
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
import dev.heddle.core.attention.PlanOptions;
import dev.heddle.core.cache.HostKvAccess;
import java.util.List;

/** 3.03: a group of query heads reads one KV head. */
final class GroupedEqualsRepeated implements Rule {
    @Override
    public String id() {
        return "3.03";
    }

    @Override
    public String claim() {
        return "GQA of group g equals MHA with the KV heads repeated, for every declared g";
    }

    @Override
    public List<ConformanceCase> cases(Subject subject, KitOptions options) {
        Declared declared = new Declared(subject.provider().capabilities());
        Cases cases = new Cases(id(), declared, options);

        for (int group : declared.groupSizes()) {
            AttentionSpec spec = declared.builder(group, declared.kvHeads(group > 16 ? 1 : 2),
                    declared.headDims().getFirst(), declared.pageSizes().getFirst(), declared.plainDtype())
                    .build();
            Shape shape = Cases.shape(declared, spec, new int[]{1, 3}, new int[]{75, 40});
            cases.shaped("", shape, s -> kit -> equal(kit, declared, s));
        }
        return cases.orNotDeclared("never empty");
    }

    private static void equal(Kit kit, Declared declared, Shape shape) {
        Request grouped = Cases.builder(declared, shape, kit.seed()).equalScales().build();
        Request repeated = repeat(declared, shape, grouped, kit.seed());
        Output output = kit.run(grouped);
        // The oracle's MHA is the yardstick; the backend's own is another where it declares group size 1.
        Cases.hinted("query head h reads KV head h / " + grouped.spec().groupSize(),
                () -> kit.compare(repeated, output));
        PlanOptions options = kit.options();
        if (kit.session().support(repeated.spec(), repeated.batch(), options).isSupported()) {
            kit.check(repeated);
        }
    }

    private static Request repeat(Declared declared, Shape shape, Request grouped, long seed) {
        AttentionSpec gqa = grouped.spec();
        AttentionSpec mha = gqa.toBuilder().numKvHeads(gqa.numQoHeads()).build();
        Request request = Cases.builder(declared, new Shape(mha, shape.qoLens(), shape.kvLens()), seed)
                .table(grouped.batch().pageTable()).equalScales().build();
        float[] key = new float[gqa.headDimQk()];
        float[] value = new float[gqa.headDimVo()];
        for (int page = 0; page < grouped.kv().numPages(); page++) {
            for (int slot = 0; slot < gqa.pageSize(); slot++) {
                for (int head = 0; head < gqa.numQoHeads(); head++) {
                    HostKvAccess.getKey(grouped.kv(), page, slot, head / gqa.groupSize(), key, 0);
                    HostKvAccess.getValue(grouped.kv(), page, slot, head / gqa.groupSize(), value, 0);
                    HostKvAccess.putKey(request.kv(), page, slot, head, key, 0);
                    HostKvAccess.putValue(request.kv(), page, slot, head, value, 0);
                }
            }
        }
        return new Request(mha, grouped.batch(), grouped.q(), request.kv(), grouped.heads());
    }
}
