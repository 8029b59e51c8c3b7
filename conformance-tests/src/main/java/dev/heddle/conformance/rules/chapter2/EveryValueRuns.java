package dev.heddle.conformance.rules.chapter2;

import dev.heddle.conformance.ConformanceCase;
import dev.heddle.conformance.KitOptions;
import dev.heddle.conformance.Rule;
import dev.heddle.conformance.ShapeFamily;
import dev.heddle.conformance.Subject;
import dev.heddle.conformance.declared.Declared;
import dev.heddle.conformance.declared.ModelGeometry;
import dev.heddle.conformance.declared.Pairwise;
import dev.heddle.conformance.declared.RandomShapes;
import dev.heddle.conformance.declared.Shape;
import dev.heddle.conformance.rules.support.Cases;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.AttentionSpecBuilder;
import dev.heddle.core.attention.Determinism;
import dev.heddle.core.attention.Feature;
import dev.heddle.core.attention.MaskKind;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** 2.02: real models, pairs of all dimensions, and random shapes. */
final class EveryValueRuns implements Rule {
    @Override
    public String id() {
        return "2.02";
    }

    @Override
    public String claim() {
        return "Every declared value of every dimension runs and is right, and so do pairs of values and every real model shape that fits";
    }

    private static final int KV_PROFILES = 3;
    private static final long MOST_DRAWS = 10_000_000; // of a declaration that contains none of them
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

    @Override
    public Stream<ConformanceCase> further(Subject subject, KitOptions options) {
        Declared declared = new Declared(subject.provider().capabilities());
        RandomShapes shapes = new RandomShapes(declared, options.freshSeed());
        return Stream.generate(shapes::next).limit(MOST_DRAWS).flatMap(Optional::stream)
                .map(shape -> ConformanceCase.ofFamily(id(),
                        new ShapeFamily("", shape, Cases.checkOf(declared)), options.freshSeed()));
    }

    private static void pairs(Declared declared, Cases cases, KitOptions options) {
        List<Set<MaskKind>> masks = declared.masks();
        List<int[]> qoLens = declared.prefill() ? QO_LENS : QO_LENS.subList(0, 1);
        List<Integer> kvHeads = IntStream.of(2, 1, 3).map(declared::kvHeads).distinct().boxed().toList();
        List<Determinism> levels = declared.determinism();
        int[] sizes = {
                declared.groupSizes().size(), declared.headDims().size(), declared.pageSizes().size(),
                declared.dtypes().size(), declared.quantisations().size(), declared.layouts().size(),
                declared.strides().size(), masks.size(), qoLens.size(),
                declared.switchOf(Feature.LSE).size(), declared.switchOf(Feature.SOFT_CAP).size(),
                declared.switchOf(Feature.SINKS).size(), declared.switchOf(Feature.ALIBI).size(),
                kvHeads.size(), levels.size(), KV_PROFILES
        };
        for (int[] row : Pairwise.cover(sizes, options.seed())) {
            int group = declared.groupSizes().get(row[0]);
            AttentionSpecBuilder builder = declared.builder(
                    group, group > 16 ? declared.kvHeads(1) : kvHeads.get(row[13]),
                    declared.headDims().get(row[1]), declared.pageSizes().get(row[2]),
                    declared.dtypes().get(row[3]));
            builder.kvQuantisation(declared.quantisations().get(row[4]))
                    .kvLayout(declared.layouts().get(row[5]))
                    .strides(declared.strides().get(row[6]))
                    .lse(declared.switchOf(Feature.LSE).get(row[9]))
                    .logitsSoftCap(declared.switchOf(Feature.SOFT_CAP).get(row[10]) ? 30 : 0)
                    .sinks(declared.switchOf(Feature.SINKS).get(row[11]))
                    .alibi(declared.switchOf(Feature.ALIBI).get(row[12]))
                    .determinism(levels.get(row[14]));
            AttentionSpec spec = Declared.withMask(builder, masks.get(row[7]), 21).build();
            if (declared.aligned(spec)) {
                cases.check(Cases.shape(declared, spec, qoLens.get(row[8]), kvLens(spec, row[15])));
            }
        }
    }

    /** Ordinary lengths, lengths around a page's end, and one long request among short ones. */
    private static int[] kvLens(AttentionSpec spec, int profile) {
        int salt = Math.floorMod(Shape.nameOf(spec).hashCode(), 60);
        int page = Math.min(spec.pageSize(), 130);
        return switch (profile) {
            case 0 -> new int[]{37 + salt, 130, 64 + salt};
            case 1 -> new int[]{page, 2 * page - 1, page + 1};
            default -> new int[]{1, 250 + salt, 2};
        };
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
            if (declared.supports(decode)) {
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
