package dev.heddle.cli.input;

import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.AttentionSpecBuilder;
import dev.heddle.core.attention.KvLayout;
import dev.heddle.core.tensor.DataType;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The flags that describe a spec and a batch. Their defaults are a decode step of Qwen2-7B. */
public final class ShapeFlags {
    @Option(names = "--heads", paramLabel = "QO/KV",
            description = "query and KV heads (default: ${DEFAULT-VALUE})", defaultValue = "28/4")
    String heads = "28/4";

    @Option(names = "--head-dim", paramLabel = "QK[/VO]",
            description = "head dim (default: ${DEFAULT-VALUE})", defaultValue = "128")
    String headDim = "128";

    @Option(names = "--dtype", paramLabel = "T", description = "f32, f16 or bf16 (default: ${DEFAULT-VALUE})",
            defaultValue = "bf16")
    String dtype = "bf16";

    @Option(names = "--kv-dtype", paramLabel = "T",
            description = "also fp8_e4m3, fp8_e5m2, int8 (default: --dtype)")
    @Nullable
    String kvDtype;

    @Option(names = "--page-size", paramLabel = "N",
            description = "tokens of a page (default: ${DEFAULT-VALUE})", defaultValue = "16")
    int pageSize = 16;

    @Option(names = "--batch", paramLabel = "ITEMS",
            description = "[N*]QO_LENxKV_LEN, separated by commas (default: ${DEFAULT-VALUE})",
            defaultValue = "8*1x4096")
    String batch = "8*1x4096";

    @Option(names = "--causal", description = "rows see keys up to their own position")
    boolean causal;

    @Option(names = "--window", paramLabel = "N", description = "rows see N keys before their own position",
            defaultValue = "-1")
    int window = -1;

    @Option(names = "--soft-cap", paramLabel = "X", description = "soft cap on the logits",
            defaultValue = "0")
    float softCap;

    @Option(names = "--sinks", description = "one sink logit per query head")
    boolean sinks;

    @Option(names = "--lse", description = "also ask for the log-sum-exp of each row (on by default)",
            negatable = true, defaultValue = "true", fallbackValue = "true")
    boolean lse = true;

    @Option(names = "--layout", paramLabel = "NHD|HND",
            description = "layout of a page (default: ${DEFAULT-VALUE})", defaultValue = "NHD")
    KvLayout layout = KvLayout.NHD;

    @Option(names = "--seed", paramLabel = "N",
            description = "of the made-up inputs (default: ${DEFAULT-VALUE})", defaultValue = "42")
    long seed = 42;

    /**
     * Returns the spec.
     *
     * @throws IllegalArgumentException naming the value that does not fit
     */
    public AttentionSpec spec() {
        int[] qoKv = pair("--heads", heads, true);
        int[] dims = pair("--head-dim", headDim, false);
        AttentionSpecBuilder builder = AttentionSpec.builder()
                .numQoHeads(qoKv[0]).numKvHeads(qoKv[1]).headDim(dims[0], dims[1])
                .dtype(DataType.ofId(dtype)).pageSize(pageSize).kvLayout(layout)
                .causal(causal).windowLeft(window).logitsSoftCap(softCap).sinks(sinks).lse(lse);
        return (kvDtype == null ? builder : builder.kvDtype(DataType.ofId(kvDtype))).build();
    }

    private static int[] pair(String flag, String text, boolean both) {
        String[] parts = text.split("/", -1);
        try {
            if (parts.length == 2) {
                return new int[]{Integer.parseInt(parts[0]), Integer.parseInt(parts[1])};
            }
            if (parts.length == 1 && !both) {
                return new int[]{Integer.parseInt(parts[0]), Integer.parseInt(parts[0])};
            }
        } catch (NumberFormatException e) {
            // falls through to the message
        }
        throw new IllegalArgumentException(
                flag + " must be " + (both ? "QO/KV, as in 28/4" : "QK or QK/VO, as in 128 or 192/128")
                        + ", got '" + text + "'");
    }

    /** Returns the lengths. */
    public BatchText lengths() {
        return BatchText.parse(batch);
    }

    /** Returns the seed of the made-up inputs. */
    public long seed() {
        return seed;
    }
}
