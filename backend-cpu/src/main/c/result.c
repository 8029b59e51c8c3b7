/* From the states of chunks to rows of the result. */
#include "numbers.h"
#include <math.h>

#define LN2 0.693147180559945309417

typedef struct {
    float *acc, *max, *sum;
} state;

static state state_of(const heddle_result *r, int i) {
    const int64_t rows = (int64_t)r->heads * r->group;
    float *acc = r->state + i * r->apart, *max = acc + rows * r->dim_vo;
    return (state){acc, max, max + rows};
}

void heddle_fold(const heddle_result *r) {
    const int rows = r->heads * r->group, dim = r->dim_vo;
    const state into = state_of(r, 0);
    for (int i = 1; i < r->states; i++) {
        const state next = state_of(r, i);
        for (int row = 0; row < rows; row++) {
            float a = into.max[row], b = next.max[row], max = a > b ? a : b;
            float by = heddle_exp2(a - max), next_by = heddle_exp2(b - max);
            float *to = into.acc + (int64_t)row * dim;
            const float *from = next.acc + (int64_t)row * dim;
            for (int d = 0; d < dim; d += 8) {
                __m256 x = _mm256_mul_ps(_mm256_loadu_ps(from + d), _mm256_set1_ps(next_by));
                _mm256_storeu_ps(to + d, _mm256_fmadd_ps(_mm256_loadu_ps(to + d), _mm256_set1_ps(by), x));
            }
            into.sum[row] = into.sum[row] * by + next.sum[row] * next_by;
            into.max[row] = max;
        }
    }
}

/* Eight bf16, to the nearest, ties to even; NaN stays NaN. */
static __m128i to_bf16(__m256 x) {
    __m256i bits = _mm256_castps_si256(x), upper = _mm256_srli_epi32(bits, 16);
    __m256i odd = _mm256_and_si256(upper, _mm256_set1_epi32(1));
    __m256i rounded = _mm256_srli_epi32(_mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7FFF))), 16);
    __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(x, x, _CMP_UNORD_Q));
    __m256i all = _mm256_blendv_epi8(rounded, _mm256_or_si256(upper, _mm256_set1_epi32(0x40)), nan);
    return _mm_packus_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1));
}

static void write_row(const float *acc, float factor, int dim, int type, char *to) {
    for (int d = 0; d < dim; d += 8) {
        __m256 x = _mm256_mul_ps(_mm256_loadu_ps(acc + d), _mm256_set1_ps(factor));
        if (type == HEDDLE_F32) {
            _mm256_storeu_ps((float *)to + d, x);
        } else {
            __m128i halves = type == HEDDLE_F16 ? _mm256_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT) : to_bf16(x);
            _mm_storeu_si128((__m128i *)(to + 2 * d), halves);
        }
    }
}

void heddle_finish(char *out, const heddle_result *r) {
    heddle_fold(r);
    const state all = state_of(r, 0);
    for (int row = 0; row < r->heads * r->group; row++) {
        double sum = all.sum[row], weight = 1;
        double max = all.max[row] == HEDDLE_LOWEST && sum == 0 ? -INFINITY : all.max[row] * LN2;
        if (r->sinks) {
            double sink = r->sinks[row], top = max > sink ? max : sink;
            weight = max == -INFINITY ? 0 : exp(max - top);
            sum = sum * weight + (sink == -INFINITY ? 0 : exp(sink - top));
            max = top;
        }
        float factor = sum == 0 ? 0 : (float)(weight * r->scale[row / r->group] / sum);
        write_row(all.acc + (int64_t)row * r->dim_vo, factor, r->dim_vo, r->out_type, out + r->out_at + row * r->out_head);
        if (r->lse) {
            r->lse[row] = sum == 0 ? -INFINITY : (float)(max + log(sum));
        }
    }
}
