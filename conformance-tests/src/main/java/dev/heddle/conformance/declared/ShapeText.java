package dev.heddle.conformance.declared;

import dev.heddle.core.attention.Accuracy;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.AttentionSpecBuilder;
import dev.heddle.core.attention.Determinism;
import dev.heddle.core.attention.KvLayout;
import dev.heddle.core.attention.KvQuantisation;
import dev.heddle.core.attention.Strides;
import dev.heddle.core.tensor.DataType;
import java.util.Arrays;
import java.util.Optional;
import java.util.stream.IntStream;

/** Reads the name of a shape, one word after another. */
final class ShapeText {
    private static final int MOST_REQUESTS = 4096;

    private final String text;
    private final AttentionSpecBuilder builder = AttentionSpec.builder();
    private int group = -1;
    private int kvHeads = -1;
    private DataType q = DataType.F32;
    private DataType k = DataType.F32;
    private DataType v = DataType.F32;
    private DataType out = DataType.F32;
    private int[] qoLens = {};
    private int[] kvLens = {};

    ShapeText(String text, Accuracy accuracy) {
        this.text = text;
        builder.accuracy(accuracy).kvQuantisation(KvQuantisation.NONE);
    }

    Shape read() {
        for (String word : text.split("-")) {
            if (!word(word) && !type(word) && !number(word)) {
                throw refusal("'" + word + "' says nothing about a shape");
            }
        }
        if (group < 1 || kvHeads < 1 || qoLens.length == 0 || kvLens.length == 0) {
            throw refusal("g (group size), h (KV heads), q (query rows) and kv (tokens) must be there");
        }
        try {
            AttentionSpec spec = builder.numQoHeads(Math.multiplyExact(group, kvHeads)).numKvHeads(kvHeads)
                    .dtype(q).kvDtype(k, v).outDtype(out).build();
            return new Shape(spec, qoLens, kvLens);
        } catch (ArithmeticException e) {
            throw refusal("too many heads");
        }
    }

    private boolean word(String word) {
        switch (word) {
            case "scale" -> builder.kvQuantisation(KvQuantisation.PER_TENSOR);
            case "headscale" -> builder.kvQuantisation(KvQuantisation.PER_HEAD);
            case "hnd" -> builder.kvLayout(KvLayout.HND);
            case "strided" -> builder.strides(Strides.STRIDED);
            case "causal" -> builder.causal();
            case "custom" -> builder.customMask(true);
            case "sinks" -> builder.sinks(true);
            case "alibi" -> builder.alibi(true);
            case "nolse" -> builder.lse(false);
            case "repeatable" -> builder.determinism(Determinism.RUN_TO_RUN);
            case "invariant" -> builder.determinism(Determinism.BATCH_INVARIANT);
            default -> {
                return false;
            }
        }
        return true;
    }

    private boolean type(String word) {
        Optional<DataType> all = dtype(word);
        if (all.isPresent()) {
            q = k = v = out = all.get();
            return true;
        }
        Optional<DataType> one = word.isEmpty() ? Optional.empty() : dtype(word.substring(1));
        if (one.isEmpty()) {
            return false;
        }
        switch (word.charAt(0)) {
            case 'k' -> k = v = one.get(); // V is as K unless its own word follows
            case 'v' -> v = one.get();
            case 'o' -> out = one.get();
            default -> {
                return false;
            }
        }
        return true;
    }

    private static Optional<DataType> dtype(String id) {
        return Arrays.stream(DataType.values()).filter(type -> type.id().equals(id)).findFirst();
    }

    private boolean number(String word) {
        try {
            if (word.startsWith("kv")) {
                kvLens = lens(word.substring(2));
            } else if (word.startsWith("cap")) {
                builder.logitsSoftCap(Float.parseFloat(word.substring(3)));
            } else if (word.startsWith("smn")) {
                builder.smScale(-Float.parseFloat(word.substring(3)));
            } else if (word.startsWith("sm")) {
                builder.smScale(Float.parseFloat(word.substring(2)));
            } else if (word.startsWith("d")) {
                String[] dims = word.substring(1).split("x", 2);
                builder.headDim(Integer.parseInt(dims[0]), Integer.parseInt(dims[dims.length - 1]));
            } else {
                return length(word);
            }
            return true;
        } catch (NumberFormatException e) {
            throw refusal("'" + word + "' has no number where one must be");
        }
    }

    private boolean length(String word) {
        if (word.isEmpty()) {
            return false;
        }
        String rest = word.substring(1);
        switch (word.charAt(0)) {
            case 'g' -> group = Integer.parseInt(rest);
            case 'h' -> kvHeads = Integer.parseInt(rest);
            case 'p' -> builder.pageSize(Integer.parseInt(rest));
            case 'w' -> builder.windowLeft(Integer.parseInt(rest));
            case 'q' -> qoLens = lens(rest);
            default -> {
                return false;
            }
        }
        return true;
    }

    /** {@code 1x3} is three times 1, {@code 19+33} is 19 and 33. */
    private int[] lens(String lens) {
        String[] times = lens.split("x", 2);
        int[] result = times.length == 2
                ? IntStream.generate(() -> Integer.parseInt(times[0]))
                        .limit(Math.clamp(Integer.parseInt(times[1]), 0, MOST_REQUESTS)).toArray()
                : Arrays.stream(lens.split("\\+")).mapToInt(Integer::parseInt).toArray();
        if (Arrays.stream(result).anyMatch(len -> len < 0)) {
            throw refusal("a length is below 0");
        }
        return result;
    }

    private IllegalArgumentException refusal(String why) {
        return new IllegalArgumentException("'" + text + "' is no shape: " + why
                + "; one is written as in g7-d128-p16-bf16-h2-causal-q1x3-kv64+9+33");
    }
}
