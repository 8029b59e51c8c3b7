package dev.heddle.conformance.input;

import dev.heddle.core.Evolving;
import java.util.Arrays;

/**
 * One run's outputs, decoded, dense and row-major.
 *
 * @param out {@code [total_qo_len, num_qo_heads, head_dim_vo]}
 * @param lse {@code [total_qo_len, num_qo_heads]}; empty where the spec has none
 * @since 0.1
 */
@Evolving
public record Output(float[] out, float[] lse) {
    /** Returns whether both are equal bit for bit, one NaN being like another. */
    public boolean sameBits(Output other) {
        return Arrays.equals(out, other.out) && Arrays.equals(lse, other.lse);
    }

    /** Returns rows {@code from} up to {@code to} of {@code total}. */
    public Output rows(int from, int to, int total) {
        int width = total == 0 ? 0 : out.length / total;
        int heads = total == 0 ? 0 : lse.length / total;
        return new Output(
                Arrays.copyOfRange(out, from * width, to * width),
                Arrays.copyOfRange(lse, from * heads, to * heads));
    }

    /** Returns where two outputs first differ in their bits, in words; empty if they do not. */
    public String firstDifference(Output other) {
        int at = Arrays.mismatch(out, other.out);
        if (at >= 0) {
            return "out element " + at + " is " + out[at] + " and " + other.out[at];
        }
        at = Arrays.mismatch(lse, other.lse);
        return at < 0 ? "" : "LSE element " + at + " is " + lse[at] + " and " + other.lse[at];
    }
}
