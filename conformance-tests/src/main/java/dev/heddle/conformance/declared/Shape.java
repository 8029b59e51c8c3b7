package dev.heddle.conformance.declared;

import dev.heddle.core.Evolving;
import dev.heddle.core.attention.Accuracy;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.KvQuantisation;
import dev.heddle.core.attention.Strides;
import dev.heddle.core.tensor.DataType;
import java.util.Arrays;

/**
 * A spec with the lengths of a small batch.
 *
 * @param spec what is asked for
 * @param qoLens query rows of each request
 * @param kvLens KV tokens of each request
 * @since 0.1
 */
@Evolving
public record Shape(AttentionSpec spec, int[] qoLens, int[] kvLens) {
    /** Copies the arrays. */
    public Shape {
        qoLens = qoLens.clone();
        kvLens = kvLens.clone();
    }

    /** Returns spec and lengths as the middle of a case's name: {@code g7-d128-p16-bf16-causal-q1x3-kv64+9+33}. */
    public String name() {
        return nameOf(spec) + "-q" + join(qoLens) + "-kv" + join(kvLens);
    }

    /**
     * Reads what {@link #name} wrote.
     *
     * @param accuracy the accuracy class, which names do not say
     * @throws IllegalArgumentException if the text names no shape
     */
    public static Shape parse(String name, Accuracy accuracy) {
        return new ShapeText(name, accuracy).read();
    }

    /** Returns a spec as part of a case's name: {@code g7-d128-p16-bf16-causal}. */
    public static String nameOf(AttentionSpec spec) {
        StringBuilder name =
                new StringBuilder("g").append(spec.groupSize()).append("-d").append(spec.headDimQk());
        if (spec.headDimVo() != spec.headDimQk()) {
            name.append('x').append(spec.headDimVo());
        }
        name.append("-p").append(spec.pageSize()).append('-').append(spec.qDtype().id());
        kvTypes(name, spec);
        if (spec.kvQuantisation() != KvQuantisation.NONE) {
            name.append(spec.kvQuantisation() == KvQuantisation.PER_HEAD ? "-headscale" : "-scale");
        }
        name.append("-h").append(spec.numKvHeads());
        name.append(switch (spec.kvLayout()) {
            case NHD -> "";
            case HND -> "-hnd";
        });
        name.append(spec.strides() == Strides.STRIDED ? "-strided" : "");
        name.append(spec.causal() ? "-causal" : "");
        name.append(spec.windowLeft() >= 0 ? "-w" + spec.windowLeft() : "");
        name.append(spec.customMask() ? "-custom" : "");
        name.append(spec.logitsSoftCap() > 0 ? "-cap" + spec.logitsSoftCap() : "");
        name.append(spec.sinks() ? "-sinks" : "").append(spec.alibi() ? "-alibi" : "");
        float scale = spec.smScale();
        if (scale != (float) (1 / Math.sqrt(spec.headDimQk()))) {
            name.append(scale < 0 ? "-smn" : "-sm").append(Math.abs(scale)); // a dash would end the word
        }
        name.append(switch (spec.determinism()) {
            case NONE -> "";
            case RUN_TO_RUN -> "-repeatable";
            case BATCH_INVARIANT -> "-invariant";
        });
        return name.append(spec.lse() ? "" : "-nolse").toString();
    }

    private static void kvTypes(StringBuilder name, AttentionSpec spec) {
        DataType q = spec.qDtype();
        if (spec.kDtype() != q || spec.vDtype() != q) {
            name.append("-k").append(spec.kDtype().id());
            name.append(spec.vDtype() == spec.kDtype() ? "" : "-v" + spec.vDtype().id());
        }
        name.append(spec.outDtype() == q ? "" : "-o" + spec.outDtype().id());
    }

    private static String join(int[] lens) {
        boolean equal = Arrays.stream(lens).distinct().count() == 1 && lens.length > 1;
        if (equal) {
            return lens[0] + "x" + lens.length;
        }
        StringBuilder text = new StringBuilder();
        for (int len : lens) {
            text.append(text.isEmpty() ? "" : "+").append(len);
        }
        return text.toString();
    }
}
