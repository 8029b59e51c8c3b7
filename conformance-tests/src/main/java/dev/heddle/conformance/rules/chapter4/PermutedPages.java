package dev.heddle.conformance.rules.chapter4;

import dev.heddle.conformance.ConformanceCase;
import dev.heddle.conformance.Kit;
import dev.heddle.conformance.KitOptions;
import dev.heddle.conformance.Rule;
import dev.heddle.conformance.Subject;
import dev.heddle.conformance.declared.Declared;
import dev.heddle.conformance.declared.Shape;
import dev.heddle.conformance.input.Output;
import dev.heddle.conformance.input.Request;
import dev.heddle.conformance.input.RequestBuilder;
import dev.heddle.conformance.rules.support.Cases;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.KvLayout;
import dev.heddle.core.cache.HostKvAccess;
import dev.heddle.core.cache.KvCacheView;
import dev.heddle.core.page.PageTable;
import java.util.List;
import java.util.Random;

/** 4.03: where a page lies does not matter. */
final class PermutedPages implements Rule {
    @Override
    public String id() {
        return "4.03";
    }

    @Override
    public String claim() {
        return "Permuting physical pages changes no bit";
    }

    @Override
    public List<ConformanceCase> cases(Subject subject, KitOptions options) {
        Declared declared = new Declared(subject.provider().capabilities());
        Cases cases = new Cases(id(), declared, options);

        for (KvLayout layout : declared.layouts()) {
            for (int page : declared.pageSizes()) {
                AttentionSpec spec = declared.base().kvLayout(layout).pageSize(page).build();
                Shape shape = Cases.shape(declared, spec, new int[]{1, 3}, new int[]{131, 40});
                cases.shaped("", shape, s -> kit -> permuted(kit, declared, s));
            }
        }
        return cases.orNotDeclared("never empty");
    }

    private static void permuted(Kit kit, Declared declared, Shape shape) {
        Request request = Cases.request(declared, shape, kit.seed());
        Output first = kit.check(request);
        for (int round = 1; round <= 2; round++) {
            Output moved = kit.run(move(declared, shape, request, kit.seed() + round));
            kit.requireSameBits("the same tokens in other physical pages give other bits", first, moved);
        }
    }

    private static Request move(Declared declared, Shape shape, Request request, long seed) {
        AttentionSpec spec = request.spec();
        PageTable to = RequestBuilder.scattered(spec.pageSize(), shape.kvLens(), new Random(seed));
        Request moved = Cases.builder(declared, shape, seed).table(to).build();
        float[] key = new float[spec.headDimQk()];
        float[] value = new float[spec.headDimVo()];
        KvCacheView target = Copies.sameScales(moved.kv(), request.kv(), spec);
        for (int i = 0; i < to.batchSize(); i++) {
            for (int t = 0; t < to.kvLen(i); t++) {
                for (int h = 0; h < spec.numKvHeads(); h++) {
                    int slot = t % spec.pageSize();
                    int page = request.batch().pageTable().pageOf(i, t);
                    HostKvAccess.getKey(request.kv(), page, slot, h, key, 0);
                    HostKvAccess.getValue(request.kv(), page, slot, h, value, 0);
                    HostKvAccess.putKey(target, to.pageOf(i, t), slot, h, key, 0);
                    HostKvAccess.putValue(target, to.pageOf(i, t), slot, h, value, 0);
                }
            }
        }
        BatchShape batch = moved.batch();
        return new Request(spec, batch, request.q(), target, request.heads());
    }
}
