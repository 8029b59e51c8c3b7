/*
 * AMX with integers: K and V of int8 are operands as they lie, never widened, and sums are exact. Queries and weights are
 * fixed-point numbers of several digits, one row of a tile each: a query 24 bits of its row's largest element, a weight 16
 * bits of the largest of its row and block. A row of V is four phases, elements 0, 4, 8, ... and so on: a weight in the
 * first of four bytes, zeros in the others, gives sums of the first phase.
 */
#include "prefill.h"
#include "bf16.h"
#include "blocks.h"

#define MOST_HEADS 4         /* of a unit: 4 heads * 4 digits are the columns of a tile, the last digit 0 */
#define MOST_PAIRS 2         /* 2 heads * 2 digits * 4 phases are the rows of a tile of weights */
#define TILE_BYTES 1024
#define Q_LIMIT 8323072.0f   /* 127 * 2^16: the first digit fits */
#define P_LIMIT 65535.0f

/* What a product of scores, a row of weights and one of values take, as shares: requests for memory are spread by them. */
#define S_COST 20
#define W_COST 30
#define V_COST 60

typedef struct {
    const heddle_chunk *c;
    int dim_qk, dim_vo;          /* padded to 64 */
    int blocks, n, pairs, units; /* blocks of n heads a KV head */
    int k_here, v_here;          /* rows of a page are rows of a tile */
    int8_t *q;                   /* [units][dim_qk / 64][16][16 columns][4]: column 4 * digit + head */
    float *q_scale;              /* [units][n] */
    float *max, *sum;            /* [units][n], [units][n][2][16] */
    float *acc;                  /* [units][n][dim_vo / 64][4 phases][16] */
    int32_t *s;                  /* [2][BLOCK][16 columns] */
    uint32_t *p;                 /* [2][pairs][SUBS][16 rows][16]: row 4 * phase + 2 * digit + head */
    int32_t *products;           /* [pairs][16 rows][16] */
    float p_scale[2][MOST_HEADS];
    int8_t *k_staged, *v_staged; /* [2][BLOCK][dim] */
} work;

/* Sixteen rows that are no tile where they lie. */
INLINE int must_stage(int here, const block *b, int sub) {
    return !here || !(b->regular >> sub & 1);
}

static void stage(const char *const *rows, int64_t at, int here, const block *b, int dim, int padded, int8_t *to) {
    for (int sub = 0; 16 * sub < b->tokens; sub++) {
        if (!must_stage(here, b, sub)) {
            continue;
        }
        for (int t = 16 * sub; t < 16 * sub + 16 && t < b->tokens; t++) {
            for (int d = 0; d < dim; d += 64) {
                __mmask64 mask = dim - d >= 64 ? ~0ull : (1ull << (dim - d)) - 1;
                _mm512_storeu_si512(to + (int64_t)t * padded + d, _mm512_maskz_loadu_epi8(mask, rows[t] + at + d));
            }
        }
    }
}

INLINE const char *find(const char *const *rows, int64_t at, int here, const block *b, int sub, int padded,
                        const int8_t *staged, int64_t token, int64_t *by) {
    if (must_stage(here, b, sub)) {
        *by = padded;
        return (const char *)(staged + (int64_t)16 * sub * padded);
    }
    *by = token;
    return rows[16 * sub] + at;
}

INLINE int8_t *staged_of(int8_t *staged, int h, int padded) {
    return staged + (int64_t)(h & 1) * BLOCK * padded;
}

/* Scores of a unit, lane = column. */
static void score_unit(const work *w, const block *b, int u, heddle_feed *feed, int credit) {
    const heddle_chunk *c = w->c;
    const int h = u / w->blocks, two = b->tokens > 16;
    const int8_t *staged = staged_of(w->k_staged, h, w->dim_qk), *q = w->q + (int64_t)u * 16 * w->dim_qk;
    int64_t by, by_more;
    const char *at = find(b->k, h * c->k_head, w->k_here, b, 0, w->dim_qk, staged, c->k_token, &by);
    const char *more = find(b->k, h * c->k_head, w->k_here, b, 1, w->dim_qk, staged, c->k_token, &by_more);
    int32_t *to = w->s + (u & 1) * BLOCK * 16;
    _tile_zero(0);
    _tile_zero(1);
    for (int d = 0; d < w->dim_qk; d += 64, q += TILE_BYTES) {
        _tile_loadd(2, q, 64);
        _tile_loadd(3, at + d, by);
        _tile_dpbssd(0, 3, 2);
        heddle_feed_some(feed, credit);
        if (two) {
            _tile_loadd(4, more + d, by_more);
            _tile_dpbssd(1, 4, 2);
            heddle_feed_some(feed, credit);
        }
    }
    _tile_stored(0, to, 64);
    if (two) {
        _tile_stored(1, to + 16 * 16, 64);
    }
}

/* Sixteen rows of scores to one vector a head: lane heddle_slot(t) is token t. */
INLINE void columns(const int32_t *s, __m512 y[MOST_HEADS]) {
    __m512 t[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++, s += 64) {
        __m512i a = _mm512_load_si512(s), b = _mm512_load_si512(s + 16);
        __m512i c = _mm512_load_si512(s + 32), d = _mm512_load_si512(s + 48);
        __m512i low = _mm512_shuffle_i32x4(a, b, 0x44), high = _mm512_shuffle_i32x4(c, d, 0x44);
        __m512i first = _mm512_shuffle_i32x4(low, high, 0x88), second = _mm512_shuffle_i32x4(low, high, 0xDD);
        __m512i third =
            _mm512_shuffle_i32x4(_mm512_shuffle_i32x4(a, b, 0xEE), _mm512_shuffle_i32x4(c, d, 0xEE), 0x88);
        t[i] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(second), _mm512_set1_ps(256), _mm512_cvtepi32_ps(third));
        t[i] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(first), _mm512_set1_ps(65536), t[i]);
    }
    __m512d a = _mm512_castps_pd(_mm512_unpacklo_ps(t[0], t[1])), b = _mm512_castps_pd(_mm512_unpackhi_ps(t[0], t[1]));
    __m512d c = _mm512_castps_pd(_mm512_unpacklo_ps(t[2], t[3])), d = _mm512_castps_pd(_mm512_unpackhi_ps(t[2], t[3]));
    y[0] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, c));
    y[1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, c));
    y[2] = _mm512_castpd_ps(_mm512_unpacklo_pd(b, d));
    y[3] = _mm512_castpd_ps(_mm512_unpackhi_pd(b, d));
}

INLINE __m512 seen(__mmask16 valid, __m512 x) {
    return _mm512_mask_mov_ps(_mm512_set1_ps(HEDDLE_LOWEST), valid, x);
}

static __attribute__((noinline)) void raise(const work *w, int row, float top) {
    float *sum = w->sum + 32 * row, *acc = w->acc + (int64_t)row * w->dim_vo;
    float factor = w->max[row] == HEDDLE_LOWEST ? 0 : heddle_exp2(w->max[row] - top);
    w->max[row] = top;
    for (int i = 0; i < 32; i++) {
        sum[i] *= factor;
    }
    for (int d = 0; d < w->dim_vo; d++) {
        acc[d] *= factor;
    }
}

/* Scores of a head to weights, and these to digits in each phase. */
INLINE void weigh_head(work *w, int u, int i, const __m512 *y, const __mmask16 *valid, int subs) {
    const int row = u * w->n + i;
    const __m512 scale = _mm512_set1_ps(w->q_scale[row]);
    __m512 max = _mm512_set1_ps(w->max[row]), x[SUBS];
    x[0] = _mm512_fmsub_ps(y[0], scale, max);
    x[1] = _mm512_fmsub_ps(y[1], scale, max);
    float top = _mm512_reduce_max_ps(_mm512_max_ps(seen(valid[0], x[0]), seen(valid[1], x[1])));
    if (!(top <= HEDDLE_HEADROOM)) {
        __m512 most = _mm512_max_ps(seen(valid[0], _mm512_mul_ps(y[0], scale)), seen(valid[1], _mm512_mul_ps(y[1], scale)));
        raise(w, row, _mm512_reduce_max_ps(most));
        max = _mm512_set1_ps(w->max[row]);
        x[0] = _mm512_fmsub_ps(y[0], scale, max);
        x[1] = _mm512_fmsub_ps(y[1], scale, max);
        top = 0;
    }
    /* Weights of the block are what they are times a power of two, the largest 1/2 to 1. */
    const __m512 power = _mm512_roundscale_ps(_mm512_set1_ps(top < -126 ? -126 : top), _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC);
    const __m512 one = _mm512_scalef_ps(_mm512_set1_ps(1), power);
    const __m512 bit = _mm512_mul_ps(one, _mm512_set1_ps(1 / P_LIMIT));
    w->p_scale[u & 1][i] = _mm512_cvtss_f32(bit);
    float *sum = w->sum + 32 * row;
    __m512 exact = _mm512_loadu_ps(sum), rounded = _mm512_loadu_ps(sum + 16);
    uint32_t *p = w->p + (((u & 1) * MOST_PAIRS + i / 2) * SUBS * 16 + i % 2) * 16;
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
#pragma GCC unroll 2
    for (int sub = 0; sub < subs; sub++, p += 16 * 16) {
        __m512 z = weight_of(valid[sub], _mm512_sub_ps(x[sub], power));
        __m512i digits = _mm512_cvtps_epi32(_mm512_mul_ps(z, _mm512_set1_ps(P_LIMIT)));
        exact = _mm512_fmadd_ps(z, one, exact);
        rounded = _mm512_fmadd_ps(_mm512_cvtepi32_ps(digits), bit, rounded);
        digits = _mm512_permutexvar_epi32(order, digits);
        const __m512i last = _mm512_set1_epi32(0xFF);
        __m512i low = _mm512_and_si512(digits, last), high = _mm512_srli_epi32(digits, 8);
        _mm512_storeu_si512(p, low);
        _mm512_storeu_si512(p + 2 * 16, high);
        _mm512_storeu_si512(p + 4 * 16, _mm512_slli_epi32(low, 8));
        _mm512_storeu_si512(p + 6 * 16, _mm512_slli_epi32(high, 8));
        _mm512_storeu_si512(p + 8 * 16, _mm512_slli_epi32(low, 16));
        _mm512_storeu_si512(p + 10 * 16, _mm512_slli_epi32(high, 16));
        _mm512_storeu_si512(p + 12 * 16, _mm512_slli_epi32(low, 24));
        _mm512_storeu_si512(p + 14 * 16, _mm512_slli_epi32(high, 24));
    }
    _mm512_storeu_ps(sum, exact);
    _mm512_storeu_ps(sum + 16, rounded);
}

static void weigh_unit(work *w, int tokens, int u, const __mmask16 *valid, heddle_feed *feed, int credit) {
    const int32_t *s = w->s + (u & 1) * BLOCK * 16;
    __m512 first[MOST_HEADS], second[MOST_HEADS] = {_mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps()};
    columns(s, first);
    if (tokens > 16) {
        columns(s + 16 * 16, second);
    }
#pragma GCC unroll 4
    for (int i = 0; i < MOST_HEADS; i++) {
        if (i < w->n) {
            const __m512 y[SUBS] = {first[i], second[i]};
            weigh_head(w, u, i, y, valid, tokens > 16 ? 2 : 1);
            heddle_feed_some(feed, credit);
        }
    }
}

/* Adds the products of a pair of heads with 64 elements of V to their sums. */
INLINE void add_products(const work *w, int u, int pair, int d) {
    for (int i = 2 * pair; i < 2 * pair + 2 && i < w->n; i++) {
        const __m512 bit = _mm512_set1_ps(w->p_scale[u & 1][i]);
        const int32_t *x = w->products + (16 * pair + i % 2) * 16;
        float *acc = w->acc + (int64_t)(u * w->n + i) * w->dim_vo + d;
#pragma GCC unroll 4
        for (int phase = 0; phase < 4; phase++) {
            __m512 low = _mm512_cvtepi32_ps(_mm512_load_si512(x + 64 * phase));
            __m512 high = _mm512_cvtepi32_ps(_mm512_load_si512(x + 64 * phase + 32));
            __m512 both = _mm512_fmadd_ps(high, _mm512_set1_ps(256), low);
            _mm512_storeu_ps(acc + 16 * phase, _mm512_fmadd_ps(both, bit, _mm512_loadu_ps(acc + 16 * phase)));
        }
    }
}

/* P.V of a unit. */
static void value_unit(const work *w, const block *b, int u, heddle_feed *feed, int credit) {
    const heddle_chunk *c = w->c;
    const int h = u / w->blocks, two = b->tokens > 16;
    const int8_t *staged = staged_of(w->v_staged, h, w->dim_vo);
    int64_t by, by_more;
    const char *at = find(b->v, h * c->v_head, w->v_here, b, 0, w->dim_vo, staged, c->v_token, &by);
    const char *more = find(b->v, h * c->v_head, w->v_here, b, 1, w->dim_vo, staged, c->v_token, &by_more);
    const uint32_t *p = w->p + (int64_t)(u & 1) * MOST_PAIRS * SUBS * 256;
    _tile_loadd(4, p, 64);
    _tile_loadd(5, p + 256, 64);
    if (w->pairs > 1) {
        _tile_loadd(6, p + 512, 64);
        _tile_loadd(7, p + 768, 64);
    }
    for (int d = 0; d < w->dim_vo; d += 64) {
        _tile_loadd(2, at + d, by);
        _tile_zero(0);
        _tile_dpbusd(0, 4, 2);
        if (w->pairs > 1) {
            _tile_zero(1);
            _tile_dpbusd(1, 6, 2);
        }
        if (two) {
            _tile_loadd(3, more + d, by_more);
            _tile_dpbusd(0, 5, 3);
            if (w->pairs > 1) {
                _tile_dpbusd(1, 7, 3);
            }
        }
        _tile_stored(0, w->products, 64);
        heddle_feed_some(feed, credit);
        if (w->pairs > 1) {
            _tile_stored(1, w->products + 256, 64);
            heddle_feed_some(feed, credit);
            add_products(w, u, 1, d);
        }
        add_products(w, u, 0, d);
    }
}

/* Sixteen elements of a row of q, or what is left of it. */
INLINE __m512 load_q(const char *row, int d, int dim) {
    __mmask16 mask = dim - d >= 16 ? 0xFFFF : (__mmask16)((1u << (dim - d)) - 1);
    return widen_bf16(_mm256_maskz_loadu_epi16(mask, row + 2 * d));
}

/* The last eight bits as a number from -128 to 127, which is then left out of all. */
INLINE __m128i take_digit(__m512i *all) {
    __m512i digit = _mm512_srai_epi32(_mm512_slli_epi32(*all, 24), 24);
    *all = _mm512_srai_epi32(_mm512_sub_epi32(*all, digit), 8);
    return _mm512_cvtepi32_epi8(digit);
}

/* A digit of sixteen elements, to a column of a tile. */
INLINE void put(__m128i digit, int8_t *to) {
    int32_t fours[4];
    _mm_storeu_si128((__m128i *)fours, digit);
    for (int i = 0; i < 4; i++) {
        memcpy(to + 64 * i, &fours[i], sizeof fours[i]);
    }
}

/* A row of q as digits; returns its scale, infinity or NaN if an element is. */
static float take_row(const char *row, int dim, int8_t *to) {
    __m512i most = _mm512_setzero_si512();
    for (int d = 0; d < dim; d += 16) { /* as integers, in the order of which NaN is above infinity */
        __m512i size = _mm512_and_si512(_mm512_castps_si512(load_q(row, d, dim)), _mm512_set1_epi32(0x7FFFFFFF));
        most = _mm512_max_epi32(most, size);
    }
    const int32_t bits = _mm512_reduce_max_epi32(most);
    float largest;
    memcpy(&largest, &bits, sizeof largest);
    for (int d = 0; d < dim && largest > 0; d += 16, to += 4 * 64) {
        __m512 share = _mm512_div_ps(load_q(row, d, dim), _mm512_set1_ps(largest));
        __m512i all = _mm512_cvtps_epi32(_mm512_mul_ps(share, _mm512_set1_ps(Q_LIMIT)));
        put(take_digit(&all), to + 32);
        put(take_digit(&all), to + 16);
        put(_mm512_cvtepi32_epi8(all), to);
    }
    return largest / Q_LIMIT;
}

/* Queries as digits; returns 0 if one is not finite, which no digits can say. */
static int take_queries(const work *w, const char *q) {
    const heddle_chunk *c = w->c;
    memset(w->q, 0, (size_t)w->units * 16 * w->dim_qk);
    for (int h = 0; h < c->heads; h++) {
        for (int g = 0; g < c->group; g++) {
            const int u = h * w->blocks + g / w->n, i = g % w->n;
            const char *row = q + c->q_at + (h * c->group + g) * c->q_head;
            const float scale = take_row(row, c->dim_qk, w->q + (int64_t)u * 16 * w->dim_qk + 4 * i);
            if (!__builtin_isfinite(scale)) {
                return 0;
            }
            w->q_scale[u * w->n + i] = scale * c->scale[h];
        }
    }
    return 1;
}

/* Brings a row of sums out: phases take turns. */
static void give(const work *w, int row, float factor, float *to) {
    const float *acc = w->acc + (int64_t)row * w->dim_vo;
    const __m512 f = _mm512_set1_ps(factor);
    float elements[64] __attribute__((aligned(64)));
    for (int d = 0; d < w->c->dim_vo; d += 64, acc += 64) {
        __m512 a = _mm512_mul_ps(_mm512_loadu_ps(acc), f), b = _mm512_mul_ps(_mm512_loadu_ps(acc + 16), f);
        __m512 c = _mm512_mul_ps(_mm512_loadu_ps(acc + 32), f), e = _mm512_mul_ps(_mm512_loadu_ps(acc + 48), f);
        __m512d ab = _mm512_castps_pd(_mm512_unpacklo_ps(a, b)), ab_high = _mm512_castps_pd(_mm512_unpackhi_ps(a, b));
        __m512d ce = _mm512_castps_pd(_mm512_unpacklo_ps(c, e)), ce_high = _mm512_castps_pd(_mm512_unpackhi_ps(c, e));
        const __m512 fours[] = {_mm512_castpd_ps(_mm512_unpacklo_pd(ab, ce)), _mm512_castpd_ps(_mm512_unpackhi_pd(ab, ce)),
                                _mm512_castpd_ps(_mm512_unpacklo_pd(ab_high, ce_high)),
                                _mm512_castpd_ps(_mm512_unpackhi_pd(ab_high, ce_high))};
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++) { /* lane i of fours[j] is fours 4 * i + j */
            _mm_store_ps(elements + 4 * i, _mm512_castps512_ps128(fours[i]));
            _mm_store_ps(elements + 16 + 4 * i, _mm512_extractf32x4_ps(fours[i], 1));
            _mm_store_ps(elements + 32 + 4 * i, _mm512_extractf32x4_ps(fours[i], 2));
            _mm_store_ps(elements + 48 + 4 * i, _mm512_extractf32x4_ps(fours[i], 3));
        }
        const int left = w->c->dim_vo - d;
        memcpy(to + d, elements, sizeof(float) * (size_t)(left < 64 ? left : 64));
    }
}

void heddle_decode_amx_int8(const char *k, const char *v, const char *q, const heddle_chunk *c) {
    work w = {.c = c};
    w.dim_qk = (int)heddle_round_up(c->dim_qk, 64);
    w.dim_vo = (int)heddle_round_up(c->dim_vo, 64);
    w.blocks = (c->group + MOST_HEADS - 1) / MOST_HEADS;
    w.n = (c->group + w.blocks - 1) / w.blocks;
    w.pairs = (w.n + 1) / 2;
    w.units = c->heads * w.blocks;
    w.k_here = c->dim_qk % 64 == 0;
    w.v_here = c->dim_vo % 64 == 0;
    const int rows = w.units * w.n;

    char *at = c->scratch;
#define TAKE(type, count) (type *)at; at += heddle_round_up((int64_t)(count) * sizeof(type), 64)
    int *taken = TAKE(int, 1);
    char *other = at; /* scratch of another kernel, where this one will not do */
    w.q = TAKE(int8_t, (int64_t)w.units * 16 * w.dim_qk);
    w.q_scale = TAKE(float, rows);
    char *not_q = at;
    w.max = TAKE(float, rows);
    w.sum = TAKE(float, 32 * rows);
    w.acc = TAKE(float, (int64_t)rows * w.dim_vo);
    w.s = TAKE(int32_t, 2 * BLOCK * 16);
    w.p = TAKE(uint32_t, 2 * MOST_PAIRS * SUBS * 256);
    w.products = TAKE(int32_t, MOST_PAIRS * 256);
    w.k_staged = TAKE(int8_t, 2 * BLOCK * w.dim_qk);
    w.v_staged = TAKE(int8_t, 2 * BLOCK * w.dim_vo);
    if (c->fresh) {
        *taken = take_queries(&w, q);
    }
    if (!*taken) {
        heddle_chunk same = *c;
        same.fresh = 1;
        same.scratch = other;
        heddle_decode_amx(k, v, q, &same);
        return;
    }
    memset(w.acc, 0, sizeof(float) * (size_t)rows * w.dim_vo);
    memset(w.sum, 0, sizeof(float) * 32 * (size_t)rows);
    for (int r = 0; r < rows; r++) {
        w.max[r] = HEDDLE_LOWEST;
    }

    tile_config config = {.palette = 1};
    for (int i = 0; i < 8; i++) {
        config.rows[i] = 16;
        config.bytes[i] = 64;
    }
    _tile_loadconfig(&config);

    block blocks[2];
    const int end = c->first + c->count;
    if (c->count > 0) {
        locate(k, v, c, c->k_pages, c->v_pages, c->first, end, BLOCK, &blocks[0]);
    }
    heddle_feed feed;
    for (int token = c->first, turn = 0; token < end; turn ^= 1) {
        const block *b = &blocks[turn], *next = &blocks[turn ^ 1];
        token += b->tokens;
        if (token < end) {
            locate(k, v, c, c->k_pages, c->v_pages, token, end, BLOCK, &blocks[turn ^ 1]);
        } else {
            locate(k, v, c, c->k_next, c->v_next, c->first_next, c->first_next + c->count_next, BLOCK, &blocks[turn ^ 1]);
        }
        const int64_t pieces = heddle_feed_start(&feed, c, next->k, next->v, next->tokens, c->dim_qk, c->dim_vo);
        const int steps = w.dim_qk / 64 * (b->tokens > 16 ? 2 : 1), slices = w.dim_vo / 64 * w.pairs;
        const int64_t share = pieces * HEDDLE_CREDIT * 102 / 100 / w.units;
        const int cost = S_COST * steps + W_COST * w.n + V_COST * slices;
        const int credits[] = {(int)(share * S_COST / cost), (int)(share * W_COST / cost), (int)(share * V_COST / cost)};
        __mmask16 valid[SUBS] = {0};
        for (int t = 0; t < b->tokens; t++) {
            valid[t / 16] |= (__mmask16)(1u << heddle_slot(t % 16));
        }
        /* Weights of a unit while scores of the next are computed, and values of the one before: a tile cannot be loaded
           from stores under way. What must be staged is a head ahead, too. */
        stage(b->k, 0, w.k_here, b, c->dim_qk, w.dim_qk, w.k_staged);
        for (int u = 0; u < w.units + 2; u++) {
            if (u + 1 < w.units && (u + 1) % w.blocks == 0) {
                int h = (u + 1) / w.blocks;
                stage(b->k, h * c->k_head, w.k_here, b, c->dim_qk, w.dim_qk, staged_of(w.k_staged, h, w.dim_qk));
            }
            if (u < w.units) {
                score_unit(&w, b, u, &feed, credits[0]);
            }
            if (u > 0 && u <= w.units) {
                if ((u - 1) % w.blocks == 0) {
                    int h = (u - 1) / w.blocks;
                    stage(b->v, h * c->v_head, w.v_here, b, c->dim_vo, w.dim_vo, staged_of(w.v_staged, h, w.dim_vo));
                }
                weigh_unit(&w, b->tokens, u - 1, valid, &feed, credits[1]);
            }
            if (u > 1) {
                value_unit(&w, b, u - 2, &feed, credits[2]);
            }
        }
    }
    _tile_release();

    for (int h = 0; h < c->heads; h++) {
        int finite = 1;
        for (int g = 0; g < c->group; g++) {
            const int row = (h * w.blocks + g / w.n) * w.n + g % w.n, out = h * c->group + g;
            const float exact = _mm512_reduce_add_ps(_mm512_loadu_ps(w.sum + 32 * row));
            const float rounded = _mm512_reduce_add_ps(_mm512_loadu_ps(w.sum + 32 * row + 16));
            c->max[out] = w.max[row];
            c->sum[out] = exact;
            give(&w, row, rounded > 0 ? exact / rounded : 1, c->acc + (int64_t)out * c->dim_vo);
            finite &= __builtin_isfinite(exact) && __builtin_isfinite(w.max[row]);
        }
        if (!finite) { /* scores beyond what an f32 can be */
            heddle_again(k, v, q, c, h, not_q);
        }
    }
}
