/* AVX-512: sixteen f32 lanes. */
#include "numbers.h"

#define NAME heddle_decode_avx512
#define LANES 16
#define WIDE 8 /* vectors of an accumulator slice: 32 registers */
typedef __m512 vec;

INLINE vec zero(void) { return _mm512_setzero_ps(); }
INLINE vec set(float x) { return _mm512_set1_ps(x); }
INLINE vec add(vec a, vec b) { return _mm512_add_ps(a, b); }
INLINE vec sub(vec a, vec b) { return _mm512_sub_ps(a, b); }
INLINE vec mul(vec a, vec b) { return _mm512_mul_ps(a, b); }
INLINE vec madd(vec a, vec b, vec c) { return _mm512_fmadd_ps(a, b, c); }
INLINE vec load_f32(const float *x) { return _mm512_loadu_ps(x); }
INLINE void store_f32(float *to, vec x) { _mm512_storeu_ps(to, x); }
INLINE vec load_f16(const char *x) { return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)x)); }
INLINE vec load_bf16(const char *x) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)x)), 16));
}
INLINE vec whole(vec x) { return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
INLINE vec at_least(vec x, float least) { return _mm512_max_ps(_mm512_set1_ps(least), x); } /* NaN stays NaN */
INLINE vec scale_by(vec x, vec power) { /* what would be subnormal is 0: scaling to it takes a hundred cycles */
    return _mm512_maskz_scalef_ps(_mm512_cmp_ps_mask(power, set(-126), _CMP_NLT_UQ), x, power);
}
INLINE vec only(vec x, uint32_t lanes) { return _mm512_maskz_mov_ps((__mmask16)lanes, x); }
INLINE int exceeds(vec x, float limit, uint32_t lanes) {
    return _mm512_mask_cmp_ps_mask((__mmask16)lanes, x, set(limit), _CMP_GT_OQ) != 0;
}

static vec load_8bit(int type, const char *row) {
    __m128i x = _mm_loadu_si128((const __m128i *)row);
    if (type == HEDDLE_INT8) {
        return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(x));
    }
    if (type == HEDDLE_E5M2) { /* the upper half of an f16 */
        return _mm512_cvtph_ps(_mm256_slli_epi16(_mm256_cvtepu8_epi16(x), 8));
    }
    __m512i bits = _mm512_cvtepu8_epi32(x);
    __m512i magnitude = _mm512_and_si512(bits, _mm512_set1_epi32(0x7F));
    __m512i sign = _mm512_slli_epi32(_mm512_and_si512(bits, _mm512_set1_epi32(0x80)), 24);
    /* As if of f32's exponent: subnormal, or too small by 2^120. */
    __m512 value = mul(_mm512_castsi512_ps(_mm512_slli_epi32(magnitude, 20)), set(0x1p120f));
    __mmask16 nan = _mm512_cmpeq_epi32_mask(magnitude, _mm512_set1_epi32(0x7F));
    __m512i all = _mm512_mask_mov_epi32(_mm512_castps_si512(value), nan, _mm512_set1_epi32(0x7FC00000));
    return _mm512_castsi512_ps(_mm512_or_si512(all, sign));
}

/* Lane i of the result is the sum of accumulator i. */
INLINE vec add_up(const vec *a) {
    vec b[8], c[4], d[2];
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++) {
        b[i] = add(_mm512_shuffle_f32x4(a[i], a[i + 8], 0x44), _mm512_shuffle_f32x4(a[i], a[i + 8], 0xEE));
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        c[i] = add(_mm512_shuffle_f32x4(b[i], b[i + 4], 0x88), _mm512_shuffle_f32x4(b[i], b[i + 4], 0xDD));
    }
#pragma GCC unroll 2
    for (int i = 0; i < 2; i++) {
        d[i] = add(_mm512_unpacklo_ps(c[i], c[i + 2]), _mm512_unpackhi_ps(c[i], c[i + 2]));
    }
    __m512d e = _mm512_castps_pd(d[0]), f = _mm512_castps_pd(d[1]);
    vec sums = add(_mm512_castpd_ps(_mm512_unpacklo_pd(e, f)), _mm512_castpd_ps(_mm512_unpackhi_pd(e, f)));
    return _mm512_permutexvar_ps(_mm512_setr_epi32(0, 2, 1, 3, 8, 10, 9, 11, 4, 6, 5, 7, 12, 14, 13, 15), sums);
}

INLINE vec largest(vec x, vec y) { return _mm512_max_ps(x, y); } /* y if x is NaN */
INLINE int any_greater(vec x, vec y) { return _mm512_cmp_ps_mask(x, y, _CMP_GT_OQ) != 0; }
INLINE vec if_greater(vec x, vec y, vec then, vec otherwise) {
    return _mm512_mask_mov_ps(otherwise, _mm512_cmp_ps_mask(x, y, _CMP_GT_OQ), then);
}

#include "fma.inc"

#define PREFILL heddle_prefill_avx512
#include "prefill.inc"
