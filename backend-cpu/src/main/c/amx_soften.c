/* What lies between scores and weights in the tiles of amx_prefill.c: caps, biases, masks, softmax. A lane is a row. */
#include "amx_prefill.h"

/* Words of the rows' mask bits, 32 tokens from one on: the run's tokens, not the tile's. */
static __m512i mask_words(const tile_work *w, int row, int token) {
    const heddle_rows *c = w->c;
    int32_t words[16];
    for (int i = 0; i < 16; i++) {
        int64_t query = (w->row + (row + i < w->rows ? row + i : w->rows - 1)) / c->group;
        uint64_t bits = c->mask[query * ((c->count + 63) / 64) + token / 64];
        words[i] = (int32_t)(bits >> token % 64);
    }
    return _mm512_loadu_si512(words);
}

/* Which of sixteen rows see a token of the tile; words: of the custom mask, from token / 32 * 32 on. */
INLINE __mmask16 seen(const tile_work *w, int row, int t, __m512i words) {
    __m512i at = _mm512_set1_epi32(t);
    __mmask16 see = _mm512_cmple_epi32_mask(_mm512_loadu_si512(w->first + row), at);
    see = _mm512_mask_cmpgt_epi32_mask(see, _mm512_loadu_si512(w->end + row), at);
    return w->c->mask ? _mm512_mask_test_epi32_mask(see, words, _mm512_set1_epi32((int)(1u << t % 32))) : see;
}

/* cap * tanh(x / cap), by the operations of prefill.inc. */
static __m512 capped(__m512 x, float by) {
    const __m512 cap = _mm512_set1_ps(by), saturated = _mm512_set1_ps(14);
    x = _mm512_div_ps(x, cap);
    x = _mm512_mask_mov_ps(x, _mm512_cmp_ps_mask(x, saturated, _CMP_GT_OQ), saturated);
    __m512 least = _mm512_sub_ps(_mm512_setzero_ps(), saturated);
    x = _mm512_mask_mov_ps(x, _mm512_cmp_ps_mask(least, x, _CMP_GT_OQ), least);
    x = _mm512_mul_ps(x, _mm512_set1_ps(2 * 1.44269504f));
    __m512 n = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC), r = _mm512_sub_ps(x, n);
    __m512 power = _mm512_scalef_ps(_mm512_set1_ps(1), n);
    __m512 e = _mm512_fmadd_ps(_mm512_mul_ps(exp2_series(r), r), power, _mm512_sub_ps(power, _mm512_set1_ps(1)));
    return _mm512_mul_ps(cap, _mm512_div_ps(e, _mm512_add_ps(e, _mm512_set1_ps(2))));
}

/* Scales, caps, biases and hides scores of sixteen rows. */
static void shape(const tile_work *w, int row, int token, int from, int to, float *s) {
    const heddle_rows *c = w->c;
    const __m512 scale = _mm512_set1_ps(c->scale);
    const __m512 slope = _mm512_loadu_ps(w->slopes + row), offset = _mm512_loadu_ps(w->offsets + row);
    __m512i words = _mm512_setzero_si512();
    for (int t = from; t < to; t++, s += BLOCK) {
        if (c->mask && t % 32 == 0) {
            words = mask_words(w, row, token + t);
        }
        __m512 x = _mm512_mul_ps(_mm512_load_ps(s), scale);
        if (c->cap != 0) {
            x = capped(x, c->cap);
        }
        if (c->slopes) {
            x = _mm512_fmadd_ps(slope, _mm512_add_ps(offset, _mm512_set1_ps((float)(token + t))), x);
        }
        _mm512_store_ps(s, _mm512_mask_mov_ps(_mm512_set1_ps(-__builtin_inff()), seen(w, row, t, words), x));
    }
}

/* Raises the maxima of rows whose scores exceed them by much: rare after the first tile. */
static __attribute__((noinline)) void raise_maxima(tile_work *w, int row, __m512 top) {
    const __m512 old = _mm512_loadu_ps(w->max + row);
    __mmask16 above = _mm512_cmp_ps_mask(top, _mm512_add_ps(old, _mm512_set1_ps(HEDDLE_HEADROOM)), _CMP_GT_OQ);
    float before[16], factors[16];
    _mm512_storeu_ps(before, old);
    _mm512_mask_storeu_ps(w->max + row, above, top);
    int any = 0;
    for (int i = 0; i < 16; i++) {
        int scales = (above >> i & 1) && before[i] != HEDDLE_LOWEST;
        factors[i] = scales ? heddle_exp2(before[i] - w->max[row + i]) : 1;
        any |= scales;
    }
    if (!any) {
        return;
    }
    const __m512 factor = _mm512_loadu_ps(factors);
    _mm512_storeu_ps(w->sum + row, _mm512_mul_ps(_mm512_loadu_ps(w->sum + row), factor));
    _mm512_storeu_ps(w->rounded + row, _mm512_mul_ps(_mm512_loadu_ps(w->rounded + row), factor));
    float *acc = w->acc + (int64_t)row / BLOCK * BLOCK * w->dim_vo + row % BLOCK;
    for (int d = 0; d < w->dim_vo; d++, acc += BLOCK) {
        _mm512_store_ps(acc, _mm512_mul_ps(_mm512_load_ps(acc), factor));
    }
}

/* Weights of sixteen rows, an even number of tokens; returns whether none is too large. */
INLINE int weights_of(tile_work *w, int row, int tokens, float by, const float *s, uint16_t *p) {
    const __m512 max = _mm512_loadu_ps(w->max + row), scale = _mm512_set1_ps(by);
    const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21, 5, 20,
                                           4, 19, 3, 18, 2, 17, 1, 16, 0);
    const __m512bh ones = (__m512bh)_mm512_set1_epi16(0x3F80);
    __m512 sum = _mm512_loadu_ps(w->sum + row), rounded = _mm512_loadu_ps(w->rounded + row);
    __m512 top = _mm512_set1_ps(HEDDLE_LOWEST);
    for (int t = 0; t < tokens; t += 2, s += 2 * BLOCK, p += 2 * BLOCK) {
        __m512 y[2];
#pragma GCC unroll 2
        for (int i = 0; i < 2; i++) {
            __m512 x = _mm512_fmsub_ps(_mm512_load_ps(s + i * BLOCK), scale, max);
            top = _mm512_max_ps(x, top);
            y[i] = weight_of(0xFFFF, x);
            sum = _mm512_add_ps(sum, y[i]);
        }
        __m512i both = _mm512_permutexvar_epi16(order, (__m512i)_mm512_cvtne2ps_pbh(y[1], y[0]));
        rounded = _mm512_dpbf16_ps(rounded, (__m512bh)both, ones);
        _mm512_store_si512(p, both);
    }
    if (_mm512_cmp_ps_mask(top, _mm512_set1_ps(HEDDLE_HEADROOM), _CMP_GT_OQ)) {
        return 0;
    }
    _mm512_storeu_ps(w->sum + row, sum);
    _mm512_storeu_ps(w->rounded + row, rounded);
    return 1;
}

void heddle_soften(tile_work *w, int row, int token, float *s) {
    const heddle_rows *c = w->c;
    const int block = row / BLOCK, from = w->from[block], to = w->to[block];
    float scale = c->scale;
    s += from * BLOCK + row % BLOCK;
    uint16_t *p = w->p + from * BLOCK + row % BLOCK * 2;
    if (w->partly[block] || c->mask || c->slopes || c->cap != 0) {
        shape(w, row, token, from, to, s);
        scale = 1;
    }
    if (_mm512_cmp_ps_mask(_mm512_loadu_ps(w->max + row), _mm512_set1_ps(HEDDLE_LOWEST), _CMP_EQ_OQ)
        || !weights_of(w, row, to - from, scale, s, p)) {
        __m512 top = _mm512_set1_ps(HEDDLE_LOWEST);
        for (int t = 0; t < to - from; t++) {
            top = _mm512_max_ps(_mm512_mul_ps(_mm512_load_ps(s + t * BLOCK), _mm512_set1_ps(scale)), top);
        }
        raise_maxima(w, row, top);
        weights_of(w, row, to - from, scale, s, p);
    }
}

void heddle_weigh_odd(const tile_work *w, int block, int token) {
    for (int i = 0; i < w->odds; i++) {
        int t = w->odd[i];
        if (t < w->from[block] || t >= w->to[block]) {
            continue;
        }
        for (int row = block * BLOCK; row < (block + 1) * BLOCK; row += 16) {
            __m512i words = w->c->mask ? mask_words(w, row, token + t / 32 * 32) : _mm512_setzero_si512();
            __mmask16 see = seen(w, row, t, words);
            __m512i both = _mm512_load_si512(w->p + t / 2 * 2 * BLOCK + row % BLOCK * 2);
            __m512 p = _mm512_castsi512_ps(t % 2 == 0 ? _mm512_slli_epi32(both, 16)
                                                      : _mm512_and_si512(both, _mm512_set1_epi32((int)0xFFFF0000)));
            const uint16_t *v = w->rows_of_v + (int64_t)t * w->dim_vo;
            float *acc = w->acc + (int64_t)block * BLOCK * w->dim_vo + row % BLOCK;
            for (int d = 0; d < w->dim_vo; d++, acc += BLOCK) {
                __m512 x = _mm512_castsi512_ps(_mm512_set1_epi32((int32_t)((uint32_t)v[d] << 16)));
                _mm512_mask_store_ps(acc, see, _mm512_fmadd_ps(x, p, _mm512_load_ps(acc)));
            }
        }
    }
}
