package dev.heddle.conformance.rules.chapter2;

import dev.heddle.conformance.ConformanceCase;
import dev.heddle.conformance.KitOptions;
import dev.heddle.conformance.Rule;
import dev.heddle.conformance.Subject;
import dev.heddle.conformance.declared.Declared;
import dev.heddle.conformance.declared.ModelGeometry;
import dev.heddle.conformance.declared.Pairwise;
import dev.heddle.conformance.declared.Shape;
import dev.heddle.conformance.input.RequestBuilder;
import dev.heddle.conformance.rules.support.Cases;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.AttentionSpecBuilder;
import dev.heddle.core.attention.Feature;
import dev.heddle.core.attention.MaskKind;
import dev.heddle.core.attention.PlanOptions;
import dev.heddle.core.capability.Support;
import dev.heddle.core.tensor.MemorySpaceId;
import java.util.List;
import java.util.Set;

/** 2.02: pairs of all dimensions, and real models. */
final class EveryValueRuns implements Rule {
    @Override
    public String id() {
        return "2.02";
    }

    @Override
    public String claim() {
        return "Every declared value of every dimension runs and is right, and so do pairs of values and every real model shape that fits";
    }

    private static final List<int[]> QO_LENS =
            List.of(new int[]{1, 1, 1}, new int[]{1, 7, 3}, new int[]{19, 33});

    @Override
    public List<ConformanceCase> cases(Subject subject, KitOptions options) {
        Declared declared = new Declared(subject.provider().capabilities());
        Cases cases = new Cases(id(), declared, options);
        // Models come first: no budget may cut them off.
        models(declared, cases);
        pairs(declared, cases, options);
        return cases.orNotDeclared("no sampled value keeps the declared alignment");
    }

    private static void pairs(Declared declared, Cases cases, KitOptions options) {
        List<Set<MaskKind>> masks = declared.masks();
        List<int[]> qoLens = declared.prefill() ? QO_LENS : QO_LENS.subList(0, 1);
        int[] sizes = {
                declared.groupSizes().size(), declared.headDims().size(), declared.pageSizes().size(),
                declared.dtypes().size(), declared.quantisations().size(), declared.layouts().size(),
                declared.strides().size(), masks.size(), qoLens.size(),
                declared.switchOf(Feature.LSE).size(), declared.switchOf(Feature.SOFT_CAP).size(),
                declared.switchOf(Feature.SINKS).size(), declared.switchOf(Feature.ALIBI).size()
        };
        for (int[] row : Pairwise.cover(sizes, options.seed())) {
            int group = declared.groupSizes().get(row[0]);
            AttentionSpecBuilder builder = declared.builder(
                    group, declared.kvHeads(group > 16 ? 1 : 2), declared.headDims().get(row[1]),
                    declared.pageSizes().get(row[2]), declared.dtypes().get(row[3]));
            builder.kvQuantisation(declared.quantisations().get(row[4]))
                    .kvLayout(declared.layouts().get(row[5]))
                    .strides(declared.strides().get(row[6]))
                    .lse(declared.switchOf(Feature.LSE).get(row[9]))
                    .logitsSoftCap(declared.switchOf(Feature.SOFT_CAP).get(row[10]) ? 30 : 0)
                    .sinks(declared.switchOf(Feature.SINKS).get(row[11]))
                    .alibi(declared.switchOf(Feature.ALIBI).get(row[12]));
            AttentionSpec spec = Declared.withMask(builder, masks.get(row[7]), 21).build();
            if (declared.aligned(spec)) {
                int salt = Math.floorMod(Shape.nameOf(spec).hashCode(), 60);
                cases.check(Cases.shape(declared, spec, qoLens.get(row[8]),
                        new int[]{37 + salt, 130, 64 + salt}));
            }
        }
    }

    private static void models(Declared declared, Cases cases) {
        for (ModelGeometry model : ModelGeometry.all()) {
            AttentionSpecBuilder builder = declared.base()
                    .numQoHeads(model.numQoHeads()).numKvHeads(model.numKvHeads())
                    .headDim(model.headDimQk(), model.headDimVo())
                    .logitsSoftCap(model.logitsSoftCap())
                    .sinks(model.sinks());
            if (model.windowLeft() >= 0) {
                // Windows of thousands are cut to what a short case can show; the kernel's path is the same.
                builder.windowLeft(Math.min(model.windowLeft(), 100)).causal(declared.has(MaskKind.CAUSAL));
            }
            AttentionSpec spec = builder.build();
            Shape decode = Cases.shape(declared, spec, new int[]{1, 1}, new int[]{160, 51});
            Support support = declared.capabilities().evaluate("", spec,
                    RequestBuilder.of(spec).qoLens(decode.qoLens()).kvLens(decode.kvLens()).batchOnly(),
                    PlanOptions.in(
                            new MemorySpaceId(declared.capabilities().memorySpaces().iterator().next(), 0)));
            if (support.isSupported() && declared.aligned(spec)) {
                cases.check(model.caseName() + "-", decode);
                if (declared.prefill() && declared.has(MaskKind.CAUSAL)) {
                    AttentionSpec causal = spec.toBuilder().causal().build();
                    cases.check(model.caseName() + "-",
                            Cases.shape(declared, causal, new int[]{4, 2}, new int[]{40, 23}));
                }
            }
        }
    }
}
