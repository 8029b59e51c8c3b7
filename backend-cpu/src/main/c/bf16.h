/* What kernels that multiply bf16 share: AVX-512 with BF16 and VBMI. */
#ifndef HEDDLE_BF16_H
#define HEDDLE_BF16_H

#include "numbers.h"

/* bf16 of the 128 magnitudes of an 8-bit float: all upper bytes, then all lower ones. */
typedef struct {
    uint8_t bytes[256];
} __attribute__((aligned(64))) heddle_magnitudes;

extern heddle_magnitudes heddle_e4m3, heddle_e5m2; /* avx512_bf16.c fills them when the library is loaded */

INLINE __m512i look_up(const __m512i *halves, __m512i index) {
    return _mm512_permutex2var_epi8(halves[0], index, halves[1]);
}

INLINE const uint8_t *table_bytes(int type) {
    return type == HEDDLE_E4M3 ? heddle_e4m3.bytes : heddle_e5m2.bytes;
}

/* Widens a row of bf16 or 8 bits, padded with zeros to a multiple of 32 elements. */
static inline void stage_bf16(const char *row, int type, int dim, uint16_t *to) {
    if (type == HEDDLE_BF16) {
        for (int d = 0; d < dim; d += 32) {
            __mmask32 mask = dim - d >= 32 ? ~0u : (1u << (dim - d)) - 1;
            _mm512_storeu_si512(to + d, _mm512_maskz_loadu_epi16(mask, row + 2 * d));
        }
        return;
    }
    if (type == HEDDLE_INT8) {
        for (int d = 0; d < dim; d += 32) {
            __mmask32 mask = dim - d >= 32 ? ~0u : (1u << (dim - d)) - 1;
            __m256i x = _mm256_maskz_loadu_epi8(mask, row + d);
            __m512 low = _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm256_castsi256_si128(x)));
            __m512 high = _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm256_extracti128_si256(x, 1)));
            _mm512_storeu_si512(to + d, (__m512i)_mm512_cvtne2ps_pbh(high, low));
        }
        return;
    }
    const uint8_t *bytes = table_bytes(type);
    const __m512i upper[2] = {_mm512_load_si512(bytes), _mm512_load_si512(bytes + 64)};
    const __m512i lower[2] = {_mm512_load_si512(bytes + 128), _mm512_load_si512(bytes + 192)};
    const __m512i order = _mm512_setr_epi64(0, 4, 1, 5, 2, 6, 3, 7); /* so that unpacking leaves them in order */
    const __m512i sign = _mm512_set1_epi8((char)0x80);
    for (int d = 0; d < dim; d += 64) {
        __mmask64 mask = dim - d >= 64 ? ~0ull : (1ull << (dim - d)) - 1;
        __m512i x = _mm512_permutexvar_epi64(order, _mm512_maskz_loadu_epi8(mask, row + d));
        __m512i up = _mm512_ternarylogic_epi64(look_up(upper, x), x, sign, 0xF8); /* a | b & c */
        __m512i low = look_up(lower, x);
        _mm512_storeu_si512(to + d, _mm512_unpacklo_epi8(low, up));
        if (dim - d > 32) {
            _mm512_storeu_si512(to + d + 32, _mm512_unpackhi_epi8(low, up));
        }
    }
}

/* Rounds a row of q, padded with zeros to a multiple of 32 elements. */
INLINE void round_q(const float *from, int dim, uint16_t *to) {
    for (int d = 0; d < dim; d += 16) {
        __mmask16 mask = dim - d >= 16 ? 0xFFFF : (__mmask16)((1u << (dim - d)) - 1);
        _mm256_storeu_si256((__m256i *)(to + d), (__m256i)_mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(mask, from + d)));
    }
    for (int d = (int)heddle_round_up(dim, 16); d < heddle_round_up(dim, 32); d++) {
        to[d] = 0;
    }
}

/* (2^r - 1) / r for r of half at most. */
INLINE __m512 exp2_series(__m512 r) {
    __m512 y = _mm512_fmadd_ps(_mm512_set1_ps(HEDDLE_C6), r, _mm512_set1_ps(HEDDLE_C5));
    y = _mm512_fmadd_ps(y, r, _mm512_set1_ps(HEDDLE_C4));
    y = _mm512_fmadd_ps(y, r, _mm512_set1_ps(HEDDLE_C3));
    y = _mm512_fmadd_ps(y, r, _mm512_set1_ps(HEDDLE_C2));
    return _mm512_fmadd_ps(y, r, _mm512_set1_ps(HEDDLE_C1));
}

/* 2^x for x of HEDDLE_HEADROOM at most, as exact as what becomes a bf16 needs: to 3e-6. 0 where the mask is. */
INLINE __m512 weight_of(__mmask16 mask, __m512 x) {
    /* What would be subnormal is 0: scaling to it takes a hundred cycles. NaN stays NaN. */
    mask = _mm512_mask_cmp_ps_mask(mask, x, _mm512_set1_ps(-126), _CMP_NLT_UQ);
    __m512 n = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    __m512 r = _mm512_sub_ps(x, n);
    __m512 y = _mm512_fmadd_ps(_mm512_set1_ps(0.00958285f), r, _mm512_set1_ps(0.05590643f));
    y = _mm512_fmadd_ps(y, r, _mm512_set1_ps(0.24024099f));
    y = _mm512_fmadd_ps(y, r, _mm512_set1_ps(0.69312419f));
    return _mm512_maskz_scalef_ps(mask, _mm512_fmadd_ps(y, r, _mm512_set1_ps(1)), n);
}

INLINE __m512 widen_bf16(__m256i halves) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16));
}

/* Sixteen rows become columns. */
INLINE void transpose(__m512 a[16]) {
    __m512 b[16];
#pragma GCC unroll 8
    for (int i = 0; i < 16; i += 2) {
        b[i] = _mm512_unpacklo_ps(a[i], a[i + 1]);
        b[i + 1] = _mm512_unpackhi_ps(a[i], a[i + 1]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 16; i += 4) {
        __m512d x = _mm512_castps_pd(b[i]), y = _mm512_castps_pd(b[i + 1]);
        __m512d z = _mm512_castps_pd(b[i + 2]), w = _mm512_castps_pd(b[i + 3]);
        a[i] = _mm512_castpd_ps(_mm512_unpacklo_pd(x, z));
        a[i + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(x, z));
        a[i + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(y, w));
        a[i + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(y, w));
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        b[i] = _mm512_shuffle_f32x4(a[i], a[i + 4], 0x88);
        b[i + 4] = _mm512_shuffle_f32x4(a[i], a[i + 4], 0xDD);
        b[i + 8] = _mm512_shuffle_f32x4(a[i + 8], a[i + 12], 0x88);
        b[i + 12] = _mm512_shuffle_f32x4(a[i + 8], a[i + 12], 0xDD);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        a[i] = _mm512_shuffle_f32x4(b[i], b[i + 8], 0x88);
        a[i + 8] = _mm512_shuffle_f32x4(b[i], b[i + 8], 0xDD);
        a[i + 4] = _mm512_shuffle_f32x4(b[i + 4], b[i + 12], 0x88);
        a[i + 12] = _mm512_shuffle_f32x4(b[i + 4], b[i + 12], 0xDD);
    }
}

/* Of each 32 elements, an accumulator of interleaved rows holds elements 0 to 3 of each eight, then 4 to 7 of each. */
INLINE void give_interleaved(const float *acc, int dim, float *to) {
    for (int d = 0; d < dim; d += 8) {
        const float *from = acc + d / 32 * 32 + d % 32 / 2;
        memcpy(to + d, from, 4 * sizeof(float));
        memcpy(to + d + 4, from + 16, 4 * sizeof(float));
    }
}

#endif
