/*
 * AVX-512 with BF16 and VBMI: K and V as bf16, two products an instruction and lane. What is stored in 8 bits is staged
 * as bf16, which holds each value of these types exactly. Weights are rounded to bf16, and their sum as rounded is
 * kept too, so that what multiplies V still adds up to one.
 */
#include "bf16.h"

#define NAME heddle_decode_avx512_bf16
#define PAD 32
#define SUMS 2
#define STAGED HEDDLE_BF16
typedef uint16_t element;
typedef uint16_t weight;

INLINE int reads(int type, int dim) {
    return type == HEDDLE_BF16 && dim % PAD == 0;
}

static void stage(const char *row, int type, int dim, element *to) {
    stage_bf16(row, type, dim, to);
}

INLINE void take_q(const char *row, int type, int dim, element *to) {
    stage_bf16(row, type, dim, to);
}

/* Lane i of the result is the sum of accumulator i. */
INLINE __m512 add_up(const __m512 *a) {
    __m512 b[8], c[4], d[2];
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++) {
        b[i] = _mm512_add_ps(_mm512_shuffle_f32x4(a[i], a[i + 8], 0x44), _mm512_shuffle_f32x4(a[i], a[i + 8], 0xEE));
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        c[i] = _mm512_add_ps(_mm512_shuffle_f32x4(b[i], b[i + 4], 0x88), _mm512_shuffle_f32x4(b[i], b[i + 4], 0xDD));
    }
#pragma GCC unroll 2
    for (int i = 0; i < 2; i++) {
        d[i] = _mm512_add_ps(_mm512_unpacklo_ps(c[i], c[i + 2]), _mm512_unpackhi_ps(c[i], c[i + 2]));
    }
    __m512d e = _mm512_castps_pd(d[0]), f = _mm512_castps_pd(d[1]);
    __m512 sums = _mm512_add_ps(_mm512_castpd_ps(_mm512_unpacklo_pd(e, f)), _mm512_castpd_ps(_mm512_unpackhi_pd(e, f)));
    return _mm512_permutexvar_ps(_mm512_setr_epi32(0, 2, 1, 3, 8, 10, 9, 11, 4, 6, 5, 7, 12, 14, 13, 15), sums);
}

/* q.k of some heads with some slots, sixteen sums at most. */
INLINE void block(const int heads, const int tokens, const char *const *slots, int64_t at, int slot, const element *q,
                  int dim, float scale, float *s, const heddle_ahead *ahead) {
    __m512 a[16];
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++) {
        a[i] = _mm512_setzero_ps();
    }
    for (int d = 0; d < dim; d += 32) {
        __m512bh k[16];
#pragma GCC unroll 16
        for (int t = 0; t < tokens; t++) {
            if (ahead) {
                heddle_ask(ahead, slot + t, 2 * d);
            }
            k[t] = (__m512bh)_mm512_loadu_si512(slots[slot + t] + at + 2 * d);
        }
#pragma GCC unroll 4
        for (int h = 0; h < heads; h++) {
            __m512bh x = (__m512bh)_mm512_loadu_si512(q + (int64_t)h * dim + d);
#pragma GCC unroll 16
            for (int t = 0; t < tokens; t++) {
                a[h * tokens + t] = _mm512_dpbf16_ps(a[h * tokens + t], k[t], x);
            }
        }
    }
    __m512 sums = _mm512_mul_ps(add_up(a), _mm512_set1_ps(scale));
    if (tokens == 16) {
        _mm512_storeu_ps(s, sums);
    } else if (tokens == 8) {
        _mm256_storeu_ps(s, _mm512_castps512_ps256(sums));
        _mm256_storeu_ps(s + HEDDLE_TILE, _mm512_extractf32x8_ps(sums, 1));
    } else {
        _mm_storeu_ps(s, _mm512_castps512_ps128(sums));
        _mm_storeu_ps(s + HEDDLE_TILE, _mm512_extractf32x4_ps(sums, 1));
        _mm_storeu_ps(s + 2 * HEDDLE_TILE, _mm512_extractf32x4_ps(sums, 2));
        if (heads == 4) {
            _mm_storeu_ps(s + 3 * HEDDLE_TILE, _mm512_extractf32x4_ps(sums, 3));
        }
    }
}

INLINE void scores(const char *const *slots, int64_t at, int type, const element *q, int dim, int group, float scale,
                   float *s, const heddle_ahead *ahead) {
    (void)type;
    for (int h = 0; h < group;) {
        int heads = heddle_block(group - h, 4), tokens = 16 / (heads == 3 ? 4 : heads);
        const element *x = q + (int64_t)h * dim;
        for (int t = 0; t < HEDDLE_TILE; t += tokens) { /* with fewer heads, more slots fill the accumulators */
            float *to = s + h * HEDDLE_TILE + t;
            switch (heads) {
            case 1: block(1, 16, slots, at, t, x, dim, scale, to, ahead); break;
            case 2: block(2, 8, slots, at, t, x, dim, scale, to, ahead); break;
            case 3: block(3, 4, slots, at, t, x, dim, scale, to, ahead); break;
            default: block(4, 4, slots, at, t, x, dim, scale, to, ahead); break;
            }
        }
        ahead = NULL;
        h += heads;
    }
}

INLINE int weights(const float *s, uint32_t valid, float max, float *sum, weight *p) {
    __mmask16 mask = (__mmask16)valid;
    __m512 x = _mm512_loadu_ps(s);
    if (_mm512_mask_cmp_ps_mask(mask, x, _mm512_set1_ps(max + HEDDLE_HEADROOM), _CMP_GT_OQ)) {
        return 0;
    }
    __m512 exact = weight_of(mask, _mm512_sub_ps(x, _mm512_set1_ps(max)));
    __m256i halves = (__m256i)_mm512_cvtneps_pbh(exact);
    __m512 rounded = widen_bf16(halves);
    _mm256_storeu_si256((__m256i *)p, halves);
    _mm512_storeu_ps(sum, _mm512_add_ps(_mm512_loadu_ps(sum), exact));
    _mm512_storeu_ps(sum + HEDDLE_TILE, _mm512_add_ps(_mm512_loadu_ps(sum + HEDDLE_TILE), rounded));
    return 1;
}

/* p.v of some heads, vectors * 16 elements: two rows of V are interleaved, which their order in acc shows (see give). */
INLINE void slice(const int heads, const int vectors, const char *const *slots, int64_t at, int first, const weight *p,
                  float *acc, int dim, const heddle_ahead *ahead) {
    const int64_t offset = at + 2 * (int64_t)first;
    __m512 a[16];
#pragma GCC unroll 8
    for (int h = 0; h < heads; h++) {
#pragma GCC unroll 8
        for (int i = 0; i < vectors; i++) {
            a[h * vectors + i] = _mm512_loadu_ps(acc + (int64_t)h * dim + 16 * i);
        }
    }
#pragma GCC unroll 1
    for (int t = 0; t < HEDDLE_TILE; t += 2) {
        __m512bh w[8];
#pragma GCC unroll 4
        for (int i = 0; i < vectors; i += 2) {
            if (ahead) {
                heddle_ask(ahead, t, 2 * first + 32 * i);
                heddle_ask(ahead, t + 1, 2 * first + 32 * i);
            }
            __m512i x = _mm512_loadu_si512(slots[t] + offset + 32 * i);
            __m512i y = _mm512_loadu_si512(slots[t + 1] + offset + 32 * i);
            w[i] = (__m512bh)_mm512_unpacklo_epi16(x, y);
            w[i + 1] = (__m512bh)_mm512_unpackhi_epi16(x, y);
        }
#pragma GCC unroll 8
        for (int h = 0; h < heads; h++) {
            int32_t pair;
            memcpy(&pair, p + h * HEDDLE_TILE + t, sizeof pair);
            __m512bh both = (__m512bh)_mm512_set1_epi32(pair);
#pragma GCC unroll 8
            for (int i = 0; i < vectors; i++) {
                a[h * vectors + i] = _mm512_dpbf16_ps(a[h * vectors + i], w[i], both);
            }
        }
    }
#pragma GCC unroll 8
    for (int h = 0; h < heads; h++) {
#pragma GCC unroll 8
        for (int i = 0; i < vectors; i++) {
            _mm512_storeu_ps(acc + (int64_t)h * dim + 16 * i, a[h * vectors + i]);
        }
    }
}

INLINE void slices(const int heads, const int vectors, const char *const *slots, int64_t at, const weight *p,
                   float *acc, int dim, const heddle_ahead *ahead) {
    int d = 0;
    for (; d + 16 * vectors <= dim; d += 16 * vectors) {
        slice(heads, vectors, slots, at, d, p, acc + d, dim, ahead);
    }
    for (; d < dim; d += PAD) {
        slice(heads, 2, slots, at, d, p, acc + d, dim, ahead);
    }
}

static void weigh(const char *const *slots, int64_t at, int type, const weight *p, int group, float *acc, int dim,
                  const heddle_ahead *ahead) {
    (void)type;
    for (int h = 0; h < group;) {
        int heads = heddle_block(group - h, 8);
        const weight *x = p + h * HEDDLE_TILE;
        float *to = acc + (int64_t)h * dim;
        switch (heads) {
        case 1: slices(1, 8, slots, at, x, to, dim, ahead); break;
        case 2: slices(2, 8, slots, at, x, to, dim, ahead); break;
        case 3: slices(3, 4, slots, at, x, to, dim, ahead); break;
        case 4: slices(4, 4, slots, at, x, to, dim, ahead); break;
        case 5: slices(5, 2, slots, at, x, to, dim, ahead); break;
        case 6: slices(6, 2, slots, at, x, to, dim, ahead); break;
        case 7: slices(7, 2, slots, at, x, to, dim, ahead); break;
        default: slices(8, 2, slots, at, x, to, dim, ahead); break;
        }
        ahead = NULL;
        h += heads;
    }
}

static void give(const float *acc, int dim, float *to) {
    give_interleaved(acc, dim, to);
}

#include "decode.inc"

heddle_magnitudes heddle_e4m3, heddle_e5m2;

static void fill(heddle_magnitudes *table, int mantissa_bits, int bias, int nan_from, int infinity) {
    for (int x = 0; x < 128; x++) {
        int exponent = x >> mantissa_bits, mantissa = x & ((1 << mantissa_bits) - 1);
        uint32_t bits;
        if (x == infinity) {
            bits = 0x7F80;
        } else if (x >= nan_from) {
            bits = 0x7FC0;
        } else {
            float value = exponent == 0 ? (float)mantissa : (float)(mantissa | 1 << mantissa_bits);
            int power = (exponent == 0 ? 1 : exponent) - bias - mantissa_bits;
            uint32_t scale = (uint32_t)(power + 127) << 23;
            float two;
            memcpy(&two, &scale, sizeof two);
            value *= two;
            memcpy(&bits, &value, sizeof bits);
            bits >>= 16;
        }
        table->bytes[x] = (uint8_t)(bits >> 8);
        table->bytes[128 + x] = (uint8_t)bits;
    }
}

static __attribute__((constructor)) void fill_tables(void) {
    fill(&heddle_e4m3, 3, 7, 0x7F, -1);
    fill(&heddle_e5m2, 2, 15, 0x7D, 0x7C);
}
