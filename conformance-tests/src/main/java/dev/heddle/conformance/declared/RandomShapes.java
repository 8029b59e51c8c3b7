package dev.heddle.conformance.declared;

import dev.heddle.core.Evolving;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.AttentionSpecBuilder;
import dev.heddle.core.attention.Determinism;
import dev.heddle.core.attention.Feature;
import dev.heddle.core.attention.MaskKind;
import dev.heddle.core.capability.HeadDims;
import dev.heddle.core.capability.IntSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;

/**
 * Shapes drawn at random from all that is declared, not from samples only: group size 37, head dim 104, pages of 23.
 *
 * @since 0.1
 */
@Evolving
public final class RandomShapes {
    private static final int LARGEST_GROUP = 80;
    private static final int LARGEST_DIM = 512;
    private static final int LARGEST_PAGE = 300;
    private static final int LARGEST_WINDOW = 120;
    private static final int MOST_REQUESTS = 6;
    private static final int MOST_QO_ROWS = 24;
    private static final int MOST_KV_TOKENS = 400;
    private static final int MOST_KV_HEADS = 4;
    private static final long MOST_WORK = 1_000_000; // multiply-adds

    private final Declared declared;
    private final Random random;

    /** Starts a sequence; the same declaration and seed give the same one. */
    public RandomShapes(Declared declared, long seed) {
        this.declared = declared;
        this.random = new Random(seed);
    }

    /** Returns the next shape, or nothing if this draw is not declared. */
    public Optional<Shape> next() {
        int group = from(declared.capabilities().groupSizes(), declared.groupSizes(), LARGEST_GROUP);
        int kvHeads = declared.kvHeads(1 + random.nextInt(group > 16 ? 1 : MOST_KV_HEADS));
        int pageSize = from(declared.capabilities().pageSizes(), declared.pageSizes(), LARGEST_PAGE);
        AttentionSpecBuilder builder = declared.builder(group, kvHeads, headDims(), pageSize,
                one(declared.dtypes()));
        builder.kvQuantisation(one(declared.quantisations()))
                .kvLayout(one(declared.layouts()))
                .strides(one(declared.strides()))
                .lse(one(declared.switchOf(Feature.LSE)))
                .logitsSoftCap(sometimes(Feature.SOFT_CAP) ? 1 + random.nextInt(50) : 0)
                .sinks(sometimes(Feature.SINKS))
                .alibi(sometimes(Feature.ALIBI));
        Determinism[] levels = Determinism.values();
        builder.determinism(levels[random.nextInt(1 + declared.capabilities().determinism().ordinal())]);
        Set<MaskKind> masks = one(declared.masks());
        AttentionSpec spec =
                Declared.withMask(builder, masks, random.nextInt(LARGEST_WINDOW)).build();
        Shape shape = lengths(spec);
        return declared.aligned(spec) && declared.supports(shape) ? Optional.of(shape) : Optional.empty();
    }

    private Shape lengths(AttentionSpec spec) {
        int requests = 1 + random.nextInt(MOST_REQUESTS);
        boolean decode = !declared.prefill() || random.nextInt(3) == 0;
        int[] qo = new int[requests];
        int[] kv = new int[requests];
        long left = MOST_WORK / ((long) spec.numQoHeads() * (spec.headDimQk() + spec.headDimVo()));
        for (int i = 0; i < requests; i++) {
            long share = Math.max(2, left / (requests - i));
            qo[i] = decode ? 1 : 1 + random.nextInt(Math.clamp(share / 8, 1, MOST_QO_ROWS));
            kv[i] = random.nextInt(Math.clamp(share / qo[i], 2, MOST_KV_TOKENS) + 1);
            if (random.nextInt(4) == 0) { // the last slot of a page, or the first of the next
                kv[i] = kv[i] / spec.pageSize() * spec.pageSize() + random.nextInt(2);
            }
            left = Math.max(2, left - (long) qo[i] * kv[i]);
        }
        return new Shape(spec, declared.qoLens(qo), declared.kvLens(kv));
    }

    private int[] headDims() {
        if (random.nextInt(3) > 0) {
            return one(declared.headDims());
        }
        HeadDims dims = one(declared.capabilities().headDims());
        int qk = from(dims.qk(), List.of(), LARGEST_DIM);
        int vo = from(dims.vo(), List.of(), LARGEST_DIM);
        return dims.contains(qk, vo) ? new int[]{qk, vo} : one(declared.headDims());
    }

    /** Returns a sample, or any member up to a limit. */
    private int from(IntSet set, List<Integer> samples, int largest) {
        if (set.isListed()) {
            return one(set.values());
        } else if (!samples.isEmpty() && random.nextBoolean()) {
            return one(samples);
        }
        int members = (Math.max(set.min(), Math.min(largest, set.max())) - set.min()) / set.step() + 1;
        return set.min() + set.step() * random.nextInt(members);
    }

    private boolean sometimes(Feature feature) {
        return random.nextInt(4) == 0 && declared.has(feature);
    }

    private <T> T one(List<T> values) {
        return values.get(random.nextInt(values.size()));
    }
}
