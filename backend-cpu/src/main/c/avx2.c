/* AVX2 with FMA and F16C: eight f32 lanes. */
#include "numbers.h"

#define NAME heddle_decode_avx2
#define LANES 8
#define WIDE 4 /* vectors of an accumulator slice: 16 registers */
typedef __m256 vec;

INLINE vec zero(void) { return _mm256_setzero_ps(); }
INLINE vec set(float x) { return _mm256_set1_ps(x); }
INLINE vec add(vec a, vec b) { return _mm256_add_ps(a, b); }
INLINE vec sub(vec a, vec b) { return _mm256_sub_ps(a, b); }
INLINE vec mul(vec a, vec b) { return _mm256_mul_ps(a, b); }
INLINE vec madd(vec a, vec b, vec c) { return _mm256_fmadd_ps(a, b, c); }
INLINE vec load_f32(const float *x) { return _mm256_loadu_ps(x); }
INLINE void store_f32(float *to, vec x) { _mm256_storeu_ps(to, x); }
INLINE vec load_f16(const char *x) { return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)x)); }
INLINE vec load_bf16(const char *x) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)x)), 16));
}
INLINE vec whole(vec x) { return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
INLINE vec at_least(vec x, float least) { return _mm256_max_ps(_mm256_set1_ps(least), x); } /* NaN stays NaN */
INLINE vec only(vec x, uint32_t lanes) {
    __m256i bit = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    __m256i on = _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32((int)lanes), bit), bit);
    return _mm256_and_ps(x, _mm256_castsi256_ps(on));
}
INLINE vec scale_by(vec x, vec power) { /* what would be subnormal is 0 */
    __m256i n = _mm256_add_epi32(_mm256_cvtps_epi32(at_least(power, -127)), _mm256_set1_epi32(127));
    return mul(x, _mm256_castsi256_ps(_mm256_slli_epi32(n, 23)));
}
INLINE int exceeds(vec x, float limit, uint32_t lanes) {
    return (_mm256_movemask_ps(_mm256_cmp_ps(x, set(limit), _CMP_GT_OQ)) & (int)lanes) != 0;
}

static vec load_8bit(int type, const char *row) {
    __m128i x = _mm_loadl_epi64((const __m128i *)row);
    if (type == HEDDLE_INT8) {
        return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(x));
    }
    if (type == HEDDLE_E5M2) { /* the upper half of an f16 */
        return _mm256_cvtph_ps(_mm_slli_epi16(_mm_cvtepu8_epi16(x), 8));
    }
    __m256i bits = _mm256_cvtepu8_epi32(x);
    __m256i magnitude = _mm256_and_si256(bits, _mm256_set1_epi32(0x7F));
    __m256 sign = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_and_si256(bits, _mm256_set1_epi32(0x80)), 24));
    /* As if of f32's exponent: subnormal, or too small by 2^120. */
    __m256 value = mul(_mm256_castsi256_ps(_mm256_slli_epi32(magnitude, 20)), set(0x1p120f));
    __m256 nan = _mm256_castsi256_ps(_mm256_cmpeq_epi32(magnitude, _mm256_set1_epi32(0x7F)));
    __m256 quiet = _mm256_castsi256_ps(_mm256_set1_epi32(0x7FC00000));
    return _mm256_or_ps(_mm256_blendv_ps(value, quiet, nan), sign);
}

/* Lane i of the result is the sum of accumulator i. */
INLINE vec add_up(const vec *a) {
    vec b[4], c[2];
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        b[i] = add(_mm256_permute2f128_ps(a[i], a[i + 4], 0x20), _mm256_permute2f128_ps(a[i], a[i + 4], 0x31));
    }
#pragma GCC unroll 2
    for (int i = 0; i < 2; i++) {
        c[i] = add(_mm256_unpacklo_ps(b[i], b[i + 2]), _mm256_unpackhi_ps(b[i], b[i + 2]));
    }
    __m256d e = _mm256_castps_pd(c[0]), f = _mm256_castps_pd(c[1]);
    vec sums = add(_mm256_castpd_ps(_mm256_unpacklo_pd(e, f)), _mm256_castpd_ps(_mm256_unpackhi_pd(e, f)));
    return _mm256_permutevar8x32_ps(sums, _mm256_setr_epi32(0, 2, 1, 3, 4, 6, 5, 7));
}

INLINE vec largest(vec x, vec y) { return _mm256_max_ps(x, y); } /* y if x is NaN */
INLINE int any_greater(vec x, vec y) { return _mm256_movemask_ps(_mm256_cmp_ps(x, y, _CMP_GT_OQ)) != 0; }
INLINE vec if_greater(vec x, vec y, vec then, vec otherwise) {
    return _mm256_blendv_ps(otherwise, then, _mm256_cmp_ps(x, y, _CMP_GT_OQ));
}

#include "fma.inc"

#define PREFILL heddle_prefill_avx2
#include "prefill.inc"
