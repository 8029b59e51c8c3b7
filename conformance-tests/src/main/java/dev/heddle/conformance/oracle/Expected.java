package dev.heddle.conformance.oracle;

import dev.heddle.core.Evolving;

/**
 * The oracle's answer, dense and row-major.
 *
 * @param out {@code [total_qo_len, num_qo_heads, head_dim_vo]}
 * @param lse {@code [total_qo_len, num_qo_heads]}, natural log; also where the spec asks for none
 * @since 0.1
 */
@Evolving
public record Expected(double[] out, double[] lse) {}
