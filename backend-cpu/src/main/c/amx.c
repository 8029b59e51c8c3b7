/*
 * AMX: tiles of 16 rows of 32 bf16, for whatever is stored as bf16 or in 8 bits. Scores are K.q: sixteen rows of K are
 * a tile as they lie in a page, and so are those of V. A group of up to 16 costs hardly more than a group of 1.
 */
#include "prefill.h"
#include "stage.h"

/* What a product of scores, a row of weights and one of values take, as shares: requests for memory are spread by them. */
#define S_COST 20
#define W_COST 16
#define V_COST 36
#define FIRST 32             /* tokens of the first block, which nobody asked for before */

/* Tiles that stay what they are all the time: a new configuration takes as long as twenty products. */
#define SCORES 0
#define MORE_SCORES 1
#define QUERIES 2
#define ROWS 3
#define MORE_ROWS 4
#define SUMS 5
#define WEIGHTS 6
#define MORE_WEIGHTS 7

typedef struct {
    const heddle_chunk *c;
    int dim_qk, dim_vo;          /* padded to 32, or to 64 if stored in 8 bits */
    int blocks, n, units, rows, stride; /* blocks of n heads a KV head; rows in all; floats from token to token of s */
    uint16_t *q;                 /* [units][dim_qk / 32][16 pairs][n][2] */
    float *acc;                  /* [units][dim_vo / 32][2][n][16]: of even elements, then of odd ones */
    float *s, *x, *sum;          /* [BLOCK][stride], [16][BLOCK], [rows][2][16] */
    uint32_t *p;                 /* [units][SUBS][2][n][16]: weights beside zeros, then zeros beside weights */
    uint16_t *staged;            /* [2][BLOCK][dim] */
    int k_here, v_here;
} work;

/* Scores of the block, lane = row of q. */
static void score_block(const work *w, const block *b, heddle_feed *feed, int credit) {
    const heddle_chunk *c = w->c;
    const plane p = {b->k, c->k_head, c->k_type, c->dim_qk, w->dim_qk, w->k_here, w->staged};
    const int n = w->n, two = b->tokens > 16;
    stage(&p, b, 0);
    for (int h = 0; h < c->heads; h++) {
        const char *at[SUBS];
        int64_t by[SUBS];
        /* A tile cannot be loaded from stores under way: rows are staged a head ahead. */
        if (h + 1 < c->heads) {
            stage(&p, b, h + 1);
        }
        find(&p, b, h, c->k_token, at, by);
        for (int u = h * w->blocks; u < (h + 1) * w->blocks; u++) {
            const uint16_t *q = w->q + (int64_t)u * n * w->dim_qk;
            _tile_zero(SCORES);
            _tile_zero(MORE_SCORES);
            for (int d = 0; d < w->dim_qk; d += 32, q += 32 * n) {
                _tile_loadd(QUERIES, q, 4 * n);
                _tile_loadd(ROWS, at[0] + 2 * d, by[0]);
                _tile_dpbf16ps(SCORES, ROWS, QUERIES);
                heddle_feed_some(feed, credit);
                if (two) {
                    _tile_loadd(MORE_ROWS, at[1] + 2 * d, by[1]);
                    _tile_dpbf16ps(MORE_SCORES, MORE_ROWS, QUERIES);
                    heddle_feed_some(feed, credit);
                }
            }
            float *to = w->s + u * n;
            _tile_stored(SCORES, to, 4 * w->stride);
            if (two) {
                _tile_stored(MORE_SCORES, to + 16 * w->stride, 4 * w->stride);
            }
        }
    }
}

/* Where sums of a row begin: of even elements, n vectors before those of odd ones. */
INLINE float *sums_of(const work *w, int row) {
    return w->acc + (int64_t)(row / w->n) * w->n * w->dim_vo + row % w->n * 16;
}

static __attribute__((noinline)) void raise(const work *w, int row, const float *x, int tokens, float *max) {
    float top = *max;
    for (int i = 0; i < tokens; i++) {
        top = x[i] > top ? x[i] : top;
    }
    if (*max == HEDDLE_LOWEST) { /* nothing was added up yet */
        *max = top;
        return;
    }
    float factor = heddle_exp2(*max - top);
    *max = top;
    for (int i = 0; i < 32; i++) {
        w->sum[32 * row + i] *= factor;
    }
    float *acc = sums_of(w, row);
    for (int d = 0; d < w->dim_vo; d += 16, acc += 16 * w->n) {
        _mm512_storeu_ps(acc, _mm512_mul_ps(_mm512_loadu_ps(acc), _mm512_set1_ps(factor)));
    }
}

/* Weights of the block, lane = token. */
static void weigh_block(const work *w, int tokens, float *maxima, heddle_feed *feed, int credit) {
    const heddle_chunk *c = w->c;
    const int subs = (tokens + 15) / 16, n = w->n;
    const __mmask16 valid[SUBS] = {tokens < 16 ? (1u << tokens) - 1 : 0xFFFF,
                                   tokens >= 32 ? 0xFFFF : tokens > 16 ? (1u << (tokens - 16)) - 1 : 0};
    for (int first = 0; first < w->rows; first += 16) {
        for (int sub = 0; sub < subs; sub++) {
            __m512 a[16];
#pragma GCC unroll 16
            for (int i = 0; i < 16; i++) {
                a[i] = _mm512_loadu_ps(w->s + (int64_t)(16 * sub + i) * w->stride + first);
            }
            transpose(a);
#pragma GCC unroll 16
            for (int i = 0; i < 16; i++) {
                _mm512_storeu_ps(w->x + i * BLOCK + 16 * sub, a[i]);
            }
        }
        for (int r = first; r < first + 16 && r < w->rows; r++) {
            float *x = w->x + (r - first) * BLOCK, *sum = w->sum + 32 * r;
            const __m512 scale = _mm512_set1_ps(c->scale[r / (n * w->blocks)]);
            __m512 max = _mm512_set1_ps(maxima[r]), y[SUBS];
            __mmask16 above = 0;
#pragma GCC unroll 2
            for (int i = 0; i < SUBS; i++) {
                y[i] = _mm512_fmsub_ps(_mm512_loadu_ps(x + 16 * i), scale, max);
                above |= _mm512_mask_cmp_ps_mask(valid[i], y[i], _mm512_set1_ps(HEDDLE_HEADROOM), _CMP_GT_OQ);
            }
            if (above) {
                for (int i = 0; i < SUBS; i++) {
                    _mm512_storeu_ps(x + 16 * i, _mm512_mul_ps(_mm512_loadu_ps(x + 16 * i), scale));
                }
                raise(w, r, x, tokens, &maxima[r]);
                max = _mm512_set1_ps(maxima[r]);
                for (int i = 0; i < SUBS; i++) {
                    y[i] = _mm512_sub_ps(_mm512_loadu_ps(x + 16 * i), max);
                }
            }
            __m512 exact = _mm512_loadu_ps(sum), rounded = _mm512_loadu_ps(sum + 16);
            uint32_t *p = w->p + ((int64_t)(r / n) * 2 * SUBS * n + r % n) * 16;
#pragma GCC unroll 2
            for (int i = 0; i < SUBS; i++, p += 32 * n) {
                __m512 z = weight_of(valid[i], y[i]);
                __m512i even = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(z)), odd = _mm512_slli_epi32(even, 16);
                exact = _mm512_add_ps(exact, z);
                rounded = _mm512_add_ps(rounded, _mm512_castsi512_ps(odd));
                _mm512_storeu_si512(p, even);
                _mm512_storeu_si512(p + 16 * n, odd);
            }
            _mm512_storeu_ps(sum, exact);
            _mm512_storeu_ps(sum + 16, rounded);
            heddle_feed_some(feed, credit);
        }
    }
}

/* Some elements of V, weighed. */
INLINE void multiply(const int two, const char *const *at, const int64_t *by, int d, float *acc) {
    _tile_loadd(SUMS, acc, 64);
    _tile_loadd(ROWS, at[0] + 2 * d, by[0]);
    _tile_dpbf16ps(SUMS, WEIGHTS, ROWS);
    if (two) {
        _tile_loadd(MORE_ROWS, at[1] + 2 * d, by[1]);
        _tile_dpbf16ps(SUMS, MORE_WEIGHTS, MORE_ROWS);
    }
    _tile_stored(SUMS, acc, 64);
}

/* P.V of the block. Rows of V are the second operand as they lie: a pair of elements of one token stands where a pair of
   tokens should, so that a weight beside a zero gives sums of even elements, and a zero beside a weight those of odd ones.
   Both are rows of one tile where they have room. */
static void value_block(const work *w, const block *b, heddle_feed *feed, int credit) {
    const heddle_chunk *c = w->c;
    const plane v = {b->v, c->v_head, c->v_type, c->dim_vo, w->dim_vo, w->v_here, w->staged};
    const int n = w->n, two = b->tokens > 16, turns = n > 8 ? 2 : 1;
    stage(&v, b, 0);
    for (int h = 0; h < c->heads; h++) {
        const char *at[SUBS];
        int64_t by[SUBS];
        if (h + 1 < c->heads) {
            stage(&v, b, h + 1);
        }
        find(&v, b, h, c->v_token, at, by);
        for (int u = h * w->blocks; u < (h + 1) * w->blocks; u++) {
            for (int turn = 0; turn < turns; turn++) {
                const uint32_t *p = w->p + ((int64_t)u * 2 * SUBS + turn) * n * 16;
                float *acc = w->acc + (int64_t)u * n * w->dim_vo + turn * n * 16;
                _tile_loadd(WEIGHTS, p, 64);
                _tile_loadd(MORE_WEIGHTS, p + 32 * n, 64);
                for (int d = 0; d < w->dim_vo; d += 32, acc += 32 * n) {
                    if (two) {
                        multiply(1, at, by, d, acc);
                    } else {
                        multiply(0, at, by, d, acc);
                    }
                    heddle_feed_some(feed, credit);
                }
            }
        }
    }
}

/* Brings a row of sums out: even and odd elements take turns. */
static void give(const work *w, int row, float factor, float *to) {
    const heddle_chunk *c = w->c;
    const __m512i low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    const __m512i high = _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    const float *acc = sums_of(w, row);
    float elements[HEDDLE_MOST_DIM] __attribute__((aligned(64)));
    for (int d = 0; d < w->dim_vo; d += 32, acc += 32 * w->n) {
        __m512 even = _mm512_mul_ps(_mm512_loadu_ps(acc), _mm512_set1_ps(factor));
        __m512 odd = _mm512_mul_ps(_mm512_loadu_ps(acc + 16 * w->n), _mm512_set1_ps(factor));
        _mm512_store_ps(elements + d, _mm512_permutex2var_ps(even, low, odd));
        _mm512_store_ps(elements + d + 16, _mm512_permutex2var_ps(even, high, odd));
    }
    for (int d = 0; d < c->dim_vo; d += 8) {
        memcpy(to + d, elements + staged_place(c->v_type, d), 8 * sizeof(float));
    }
}

INLINE int all_finite(const float *x, int64_t n) {
    __m512 none = _mm512_setzero_ps();
    for (int64_t i = 0; i < n; i += 16) {
        __mmask16 mask = n - i >= 16 ? 0xFFFF : (__mmask16)((1u << (n - i)) - 1);
        none = _mm512_fmadd_ps(_mm512_maskz_loadu_ps(mask, x + i), _mm512_setzero_ps(), none);
    }
    return _mm512_cmp_ps_mask(none, _mm512_setzero_ps(), _CMP_NEQ_UQ) == 0;
}

/* Computes heads again whose sums are not all finite, without tiles. */
static void without_tiles(const char *k, const char *v, const char *q, const heddle_chunk *c, char *scratch) {
    for (int h = 0; h < c->heads; h++) {
        if (!all_finite(c->acc + (int64_t)h * c->group * c->dim_vo, (int64_t)c->group * c->dim_vo)) {
            heddle_again(k, v, q, c, h, scratch);
        }
    }
}

/* Queries as the second operand of their products: pairs of elements, of all heads of a block side by side. */
static void take_queries(const work *w, const char *q) {
    const heddle_chunk *c = w->c;
    const int n = w->n, pairs = w->dim_qk / 2;
    uint32_t row[HEDDLE_MOST_DIM / 2] = {0}, placed[HEDDLE_MOST_DIM / 2];
    uint16_t *from = (uint16_t *)row;
    if (c->group % w->blocks != 0) { /* the last block of each KV head has less */
        memset(w->q, 0, sizeof(uint16_t) * (size_t)w->rows * w->dim_qk);
    }
    for (int h = 0; h < c->heads; h++) {
        for (int g = 0; g < c->group; g++) {
            stage_bf16(q + c->q_at + (h * c->group + g) * c->q_head, HEDDLE_BF16, c->dim_qk, from);
            for (int d = 0; d < w->dim_qk; d += 8) {
                memcpy(placed + staged_place(c->k_type, d) / 2, from + d, 8 * sizeof(uint16_t));
            }
            uint32_t *to = (uint32_t *)(w->q + (int64_t)(h * w->blocks + g / n) * n * w->dim_qk) + g % n;
            for (int i = 0; i < pairs; i++) {
                to[i * n] = placed[i];
            }
        }
    }
}

void heddle_decode_amx(const char *k, const char *v, const char *q, const heddle_chunk *c) {
    work w = {.c = c};
    w.dim_qk = (int)heddle_round_up(c->dim_qk, c->k_type == HEDDLE_BF16 ? 32 : 64);
    w.dim_vo = (int)heddle_round_up(c->dim_vo, c->v_type == HEDDLE_BF16 ? 32 : 64);
    w.blocks = (c->group + 15) / 16;
    w.n = (c->group + w.blocks - 1) / w.blocks;
    w.units = c->heads * w.blocks;
    w.rows = w.units * w.n;
    w.stride = (int)heddle_round_up(w.rows, 16);
    w.k_here = c->k_type == HEDDLE_BF16 && c->dim_qk % 32 == 0;
    w.v_here = c->v_type == HEDDLE_BF16 && c->dim_vo % 32 == 0;
    const int dim = w.dim_qk > w.dim_vo ? w.dim_qk : w.dim_vo;

    char *at = c->scratch;
#define TAKE(type, count) (type *)at; at += heddle_round_up((int64_t)(count) * sizeof(type), 64)
    w.q = TAKE(uint16_t, (int64_t)w.rows * w.dim_qk);
    w.acc = TAKE(float, (int64_t)w.rows * w.dim_vo);
    w.sum = TAKE(float, 32 * w.rows);
    float *maxima = TAKE(float, w.rows);
    w.s = TAKE(float, BLOCK * w.stride);
    w.x = TAKE(float, 16 * BLOCK);
    w.p = TAKE(uint32_t, 2 * BLOCK * w.rows);
    w.staged = TAKE(uint16_t, 2 * BLOCK * dim);
    if (c->fresh) {
        take_queries(&w, q);
    }
    memset(w.acc, 0, sizeof(float) * (size_t)w.rows * w.dim_vo);
    memset(w.sum, 0, sizeof(float) * 32 * (size_t)w.rows);
    memset(w.s, 0, sizeof(float) * BLOCK * (size_t)w.stride);
    for (int r = 0; r < w.rows; r++) {
        maxima[r] = HEDDLE_LOWEST;
    }

    tile_config config = {.palette = 1};
    for (int i = SCORES; i <= MORE_WEIGHTS; i++) {
        config.rows[i] = (uint8_t)(i <= MORE_ROWS ? 16 : w.n <= 8 ? 2 * w.n : w.n);
        config.bytes[i] = (uint16_t)(i <= QUERIES ? 4 * w.n : 64);
    }
    _tile_loadconfig(&config);

    block blocks[2];
    const int end = c->first + c->count;
    if (c->count > 0) {
        locate(k, v, c, c->k_pages, c->v_pages, c->first, end, FIRST, &blocks[0]);
    }
    heddle_feed feed;
    const int64_t k_row = (int64_t)c->dim_qk * heddle_bytes(c->k_type), v_row = (int64_t)c->dim_vo * heddle_bytes(c->v_type);
    for (int token = c->first, i = 0; token < end; i ^= 1) {
        const block *b = &blocks[i], *next = &blocks[i ^ 1];
        token += b->tokens;
        if (token < end) {
            locate(k, v, c, c->k_pages, c->v_pages, token, end, BLOCK, &blocks[i ^ 1]);
        } else {
            locate(k, v, c, c->k_next, c->v_next, c->first_next, c->first_next + c->count_next, BLOCK, &blocks[i ^ 1]);
        }
        int pieces = heddle_feed_start(&feed, c, next->k, next->v, next->tokens, k_row, v_row);
        /* Spread over the block by what its parts cost: */
        int subs = (b->tokens + 15) / 16, steps = w.dim_qk / 32 * w.units * subs;
        int slices = w.dim_vo / 32 * w.units * (w.n > 8 ? 2 : 1);
        int sum = S_COST * steps + W_COST * w.rows + V_COST * slices;
        int64_t share = (int64_t)pieces * HEDDLE_CREDIT * 102 / 100;
        score_block(&w, b, &feed, (int)(share * S_COST / sum));
        weigh_block(&w, b->tokens, maxima, &feed, (int)(share * W_COST / sum));
        value_block(&w, b, &feed, (int)(share * V_COST / sum));
    }
    _tile_release();

    for (int h = 0; h < c->heads; h++) {
        for (int g = 0; g < c->group; g++) {
            int r = (h * w.blocks + g / w.n) * w.n + g % w.n, out = h * c->group + g;
            float exact = _mm512_reduce_add_ps(_mm512_loadu_ps(w.sum + 32 * r));
            float rounded = _mm512_reduce_add_ps(_mm512_loadu_ps(w.sum + 32 * r + 16));
            c->max[out] = maxima[r];
            c->sum[out] = exact;
            give(&w, r, rounded > 0 ? exact / rounded : 1, c->acc + (int64_t)out * c->dim_vo);
        }
    }
    /* 0 * NaN is NaN: what is not finite has reached the other element of a pair, so that head is computed again. */
    without_tiles(k, v, q, c, (char *)w.acc); /* q stays for the next call */
}
