/**
 * What is asked for: {@link dev.heddle.core.attention.AttentionSpec}, fixed for a model, and {@link
 * dev.heddle.core.attention.BatchShape}, new at every step.
 *
 * <p><b>Semantics, the same in every backend.</b> A batch is ragged: request {@code i} owns the query rows {@code
 * qo_indptr[i] .. qo_indptr[i+1]} and {@code kv_len} cached tokens. Query row {@code r} of a request sits at
 * position {@code p = kv_len - qo_len + r}. For query head {@code h}, with KV head {@code h / group_size}, the logit
 * of key {@code j} is, in this order:
 *
 * <pre>
 * s = sm_scale * k_scale * dot(q[h], k[j])
 * s = logits_soft_cap * tanh(s / logits_soft_cap)      if the cap is not 0  (Gemma 2, arXiv:2408.00118)
 * s = s + slope[h] * (j - p)                           with ALiBi           (arXiv:2108.12409)
 * s = -infinity   unless  j &lt;= p (causal),  j &gt;= p - window_left (window),  and the custom mask allows it
 * </pre>
 *
 * <p>{@code out = v_scale * sum_j softmax(s)[j] * v[j]} and {@code lse = ln(sum_j exp(s[j]))}. A sink adds one more
 * term {@code exp(sink[h])} to the softmax's denominator and to the LSE, and no value (gpt-oss, arXiv:2309.17453).
 * A row that sees no key is zero; its LSE is −infinity, or the sink's logit where there is one. Both are always
 * written. Accumulation is in fp32 or better.
 */
@NullMarked
package dev.heddle.core.attention;

import org.jspecify.annotations.NullMarked;
