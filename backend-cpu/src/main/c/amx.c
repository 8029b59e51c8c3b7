/*
 * AMX: tiles of 16 rows of 32 bf16, for whatever is stored as bf16 or in 8 bits. Scores are K.q: sixteen rows of K are
 * a tile as they lie in a page. P.V wants two rows of V interleaved, which is done once for all heads of the group. So a
 * group of up to 16 costs hardly more than a group of 1.
 */
#include "bf16.h"

#define BLOCK HEDDLE_BLOCK
#define SUBS (BLOCK / 16)    /* tiles of K */
#define PAIRS (BLOCK / 32)   /* tiles of P */
#define FIRST 32             /* tokens of the first block, which nobody asked for before */
#define STRIP 64             /* elements of V that are interleaved and multiplied together */

typedef struct {
    const char *k[BLOCK], *v[BLOCK]; /* rows of the first head */
    int tokens;
    uint32_t regular; /* bit per tile: sixteen rows of K lie at equal distances */
} block;

typedef struct {
    const heddle_chunk *c;
    int dim_qk, dim_vo;          /* padded to 32 */
    int blocks, n, units, rows, stride; /* blocks of n heads a KV head; rows in all; floats from token to token of s */
    uint16_t *q;                 /* [units][dim_qk / 32][16 pairs][n][2] */
    float *acc, *s, *x, *sum;    /* [rows][dim_vo], [BLOCK][stride], [16][BLOCK], [rows][2][16] */
    uint16_t *p;                 /* [rows][BLOCK] */
    uint16_t *staged, *packed;   /* [2][BLOCK][dim], [2][PAIRS][STRIP / 16][16][32] */
    int k_here, v_here, v_8bit;
} work;

typedef struct {
    uint8_t palette, start, reserved[14];
    uint16_t bytes[16];
    uint8_t rows[16];
} __attribute__((packed)) tile_config;

static void locate(const char *k, const char *v, const heddle_chunk *c, const int64_t *k_pages, const int64_t *v_pages,
                   int token, int end, int most, block *b) {
    int page = token / c->page_size, within = token % c->page_size;
    b->tokens = end - token < most ? end - token : most;
    b->regular = 0;
    for (int i = 0; i < b->tokens; page++, within = 0) {
        const char *kr = k + k_pages[page] + within * c->k_token;
        const char *vr = v + v_pages[page] + within * c->v_token;
        int from = i;
        for (; within < c->page_size && i < b->tokens; within++, i++, kr += c->k_token, vr += c->v_token) {
            b->k[i] = kr;
            b->v[i] = vr;
        }
        for (int sub = (from + 15) / 16; 16 * sub + 16 <= i; sub++) {
            b->regular |= 1u << sub;
        }
    }
}

/* Whether sixteen rows of K are tiles where they lie. */
INLINE int in_place(const work *w, const block *b, int sub) {
    return w->k_here && (b->regular >> sub & 1);
}

INLINE uint16_t *staged_key(const work *w, int h, int token) {
    return w->staged + (int64_t)((h & 1) * BLOCK + token) * w->dim_qk;
}

static void stage_keys(const work *w, const block *b, int h) {
    const heddle_chunk *c = w->c;
    for (int sub = 0; 16 * sub < b->tokens; sub++) {
        if (in_place(w, b, sub)) {
            continue;
        }
        for (int t = 16 * sub; t < 16 * sub + 16; t++) {
            uint16_t *to = staged_key(w, h, t);
            if (t < b->tokens) {
                stage_bf16(b->k[t] + h * c->k_head, c->k_type, c->dim_qk, to);
            } else {
                memset(to, 0, 2 * (size_t)w->dim_qk);
            }
        }
    }
}

/* Scores of the block, lane = row of q. */
static void score_block(const work *w, const block *b, heddle_feed *feed, int credit) {
    const heddle_chunk *c = w->c;
    const int steps = w->dim_qk / 32, n = w->n;
    tile_config config = {.palette = 1};
    for (int i = 0; i < 4; i++) {
        config.rows[i] = 16;
        config.bytes[i] = (uint16_t)(4 * n);
    }
    config.rows[4] = config.rows[5] = 16;
    config.bytes[4] = config.bytes[5] = 64;
    _tile_loadconfig(&config);
    const int subs = (b->tokens + 15) / 16;
    stage_keys(w, b, 0);
    for (int h = 0; h < c->heads; h++) {
        const char *at[SUBS + 1];
        int64_t by[SUBS + 1];
        /* A tile cannot be loaded from stores under way: rows are staged a head ahead. */
        if (h + 1 < c->heads) {
            stage_keys(w, b, h + 1);
        }
        for (int sub = 0; sub < subs; sub++) {
            int here = in_place(w, b, sub);
            at[sub] = here ? b->k[16 * sub] + h * c->k_head : (const char *)staged_key(w, h, 16 * sub);
            by[sub] = here ? c->k_token : 2 * w->dim_qk;
        }
        at[subs] = at[subs - 1];
        by[subs] = by[subs - 1];
        for (int sub = 0; sub < subs; sub += 2) {
            for (int u = h * w->blocks; u < (h + 1) * w->blocks; u++) {
                const uint16_t *q = w->q + (int64_t)u * steps * 32 * n;
                _tile_zero(0);
                _tile_zero(1);
                for (int d = 0; d < steps; d++, q += 32 * n) {
                    _tile_loadd(2, q, 4 * n);
                    _tile_loadd(4, at[sub] + 64 * d, by[sub]);
                    _tile_dpbf16ps(0, 4, 2);
                    heddle_feed_some(feed, credit);
                    _tile_loadd(5, at[sub + 1] + 64 * d, by[sub + 1]);
                    _tile_dpbf16ps(1, 5, 2);
                    heddle_feed_some(feed, credit);
                }
                float *to = w->s + (int64_t)16 * sub * w->stride + u * n;
                _tile_stored(0, to, 4 * w->stride);
                if (sub + 1 < subs) {
                    _tile_stored(1, to + 16 * w->stride, 4 * w->stride);
                }
            }
        }
    }
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
    for (int i = 0; i < w->dim_vo; i++) {
        w->acc[(int64_t)row * w->dim_vo + i] *= factor;
    }
}

/* Weights of the block, lane = token. */
static void weigh_block(const work *w, int tokens, float *maxima, heddle_feed *feed, int credit) {
    const heddle_chunk *c = w->c;
    const int subs = (tokens + 15) / 16;
    const uint64_t valid = tokens == 64 ? ~0ull : (1ull << tokens) - 1;
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
            const __m512 scale = _mm512_set1_ps(c->scale[r / (w->n * w->blocks)]);
            const __m512 limit = _mm512_set1_ps(maxima[r] + HEDDLE_HEADROOM);
            __m512 y[SUBS];
            __mmask16 above = 0;
#pragma GCC unroll 4
            for (int i = 0; i < SUBS; i++) {
                y[i] = _mm512_mul_ps(_mm512_loadu_ps(x + 16 * i), scale);
                above |= _mm512_mask_cmp_ps_mask((__mmask16)(valid >> 16 * i), y[i], limit, _CMP_GT_OQ);
            }
            if (above) {
                for (int i = 0; i < SUBS; i++) {
                    _mm512_storeu_ps(x + 16 * i, y[i]);
                }
                raise(w, r, x, tokens, &maxima[r]);
            }
            __m512 exact = _mm512_loadu_ps(sum), rounded = _mm512_loadu_ps(sum + 16);
#pragma GCC unroll 4
            for (int i = 0; i < SUBS; i++) {
                __m512 z = weight_of((__mmask16)(valid >> 16 * i), y[i], maxima[r]);
                __m256i halves = (__m256i)_mm512_cvtneps_pbh(z);
                exact = _mm512_add_ps(exact, z);
                rounded = _mm512_add_ps(rounded, widen_bf16(halves));
                _mm256_storeu_si256((__m256i *)(w->p + (int64_t)r * BLOCK + 16 * i), halves);
            }
            _mm512_storeu_ps(sum, exact);
            _mm512_storeu_ps(sum + 16, rounded);
            heddle_feed_some(feed, credit);
        }
    }
}

/* Interleaves a strip of rows of V: tiles of 16 pairs of tokens and 16 elements. */
INLINE void pack(const char *const *rows, int64_t at, int pairs, int vectors, uint16_t *to, heddle_feed *feed,
                 int credit) {
    for (int pair = 0; pair < 16 * pairs; pair++) {
        const char *a = rows[2 * pair] + at, *b = rows[2 * pair + 1] + at;
        uint16_t *tile = to + pair / 16 * (STRIP / 16) * 512 + pair % 16 * 32;
#pragma GCC unroll 2
        for (int i = 0; i < vectors; i++) {
            __m512i x = _mm512_loadu_si512(a + 64 * i), y = _mm512_loadu_si512(b + 64 * i);
            _mm512_storeu_si512(tile + 1024 * i, _mm512_unpacklo_epi16(x, y));
            _mm512_storeu_si512(tile + 1024 * i + 512, _mm512_unpackhi_epi16(x, y));
        }
        heddle_feed_some(feed, credit);
    }
}

/* The same of 64 values of 8 bits, 0 where the mask is and in rows beyond the last. */
INLINE void pack_8bit(int type, const char *const *rows, int64_t at, int tokens, int pairs, __mmask64 mask, uint16_t *to,
                      heddle_feed *feed, int credit) {
    const uint8_t *bytes = table_bytes(type);
    const __m512i upper[2] = {_mm512_load_si512(bytes), _mm512_load_si512(bytes + 64)};
    const __m512i lower[2] = {_mm512_load_si512(bytes + 128), _mm512_load_si512(bytes + 192)};
    const __m512i sign = _mm512_set1_epi8((char)0x80);
    for (int pair = 0; pair < 16 * pairs; pair++) {
        uint16_t *tile = to + pair / 16 * (STRIP / 16) * 512 + pair % 16 * 32;
        int t = 2 * pair;
        __m512i x = _mm512_setzero_si512(), y = x;
        if (t < tokens) {
            x = _mm512_maskz_loadu_epi8(mask, rows[t] + at);
        }
        if (t + 1 < tokens) {
            y = _mm512_maskz_loadu_epi8(mask, rows[t + 1] + at);
        }
        if (type == HEDDLE_INT8) {
#pragma GCC unroll 4
            for (int i = 0; i < 4; i++) {
                __m512i a = (__m512i)_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm512_extracti32x4_epi32(x, i)));
                __m512i b = (__m512i)_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm512_extracti32x4_epi32(y, i)));
                _mm512_storeu_si512(tile + 512 * i, _mm512_or_si512(_mm512_srli_epi32(a, 16), b)); /* exact in bf16 */
            }
        } else {
            __m512i x_up = _mm512_ternarylogic_epi64(look_up(upper, x), x, sign, 0xF8), x_low = look_up(lower, x);
            __m512i y_up = _mm512_ternarylogic_epi64(look_up(upper, y), y, sign, 0xF8), y_low = look_up(lower, y);
            __m512i a = _mm512_unpacklo_epi8(x_low, x_up), b = _mm512_unpacklo_epi8(y_low, y_up);
            _mm512_storeu_si512(tile, _mm512_unpacklo_epi16(a, b));
            _mm512_storeu_si512(tile + 512, _mm512_unpackhi_epi16(a, b));
            a = _mm512_unpackhi_epi8(x_low, x_up);
            b = _mm512_unpackhi_epi8(y_low, y_up);
            _mm512_storeu_si512(tile + 1024, _mm512_unpacklo_epi16(a, b));
            _mm512_storeu_si512(tile + 1536, _mm512_unpackhi_epi16(a, b));
        }
        heddle_feed_some(feed, credit);
    }
}

/* P.V of a strip for one KV head. */
INLINE void multiply(const work *w, int u, int pairs, int tiles, const uint16_t *packed, int d, heddle_feed *feed,
                     int credit) {
    float *acc = w->acc + (int64_t)u * w->n * w->dim_vo + d;
    const int64_t by = 4 * (int64_t)w->dim_vo;
    const uint16_t *p = w->p + (int64_t)u * w->n * BLOCK;
    _tile_loadd(0, acc, by);
    _tile_loadd(1, acc + 16, by);
    if (tiles == 4) {
        _tile_loadd(2, acc + 32, by);
        _tile_loadd(3, acc + 48, by);
    }
    for (int i = 0; i < pairs; i++, p += 32, packed += STRIP / 16 * 512) {
        _tile_loadd(4, p, 2 * BLOCK);
        _tile_loadd(6, packed, 64);
        _tile_dpbf16ps(0, 4, 6);
        _tile_loadd(7, packed + 512, 64);
        _tile_dpbf16ps(1, 4, 7);
        heddle_feed_some(feed, 4 * credit);
        if (tiles == 4) {
            _tile_loadd(6, packed + 1024, 64);
            _tile_dpbf16ps(2, 4, 6);
            _tile_loadd(7, packed + 1536, 64);
            _tile_dpbf16ps(3, 4, 7);
            heddle_feed_some(feed, 4 * credit);
        }
    }
    _tile_stored(0, acc, by);
    _tile_stored(1, acc + 16, by);
    if (tiles == 4) {
        _tile_stored(2, acc + 32, by);
        _tile_stored(3, acc + 48, by);
    }
}

static void value_block(const work *w, const block *b, heddle_feed *feed, int credit) {
    const heddle_chunk *c = w->c;
    tile_config config = {.palette = 1};
    for (int i = 0; i < 6; i++) {
        config.rows[i] = (uint8_t)w->n;
        config.bytes[i] = 64;
    }
    config.rows[6] = config.rows[7] = 16;
    config.bytes[6] = config.bytes[7] = 64;
    _tile_loadconfig(&config);
    const int pairs = (b->tokens + 31) / 32, strips = (w->dim_vo + STRIP - 1) / STRIP, all = c->heads * strips;
    const char *staged[BLOCK];
    for (int t = 0; t < BLOCK; t++) {
        staged[t] = (const char *)(w->staged + (int64_t)t * w->dim_vo);
    }
    /* A strip is interleaved while the one before is multiplied. */
    for (int i = 0; i <= all; i++) {
        uint16_t *packed = w->packed + (i & 1) * BLOCK * STRIP;
        if (i < all) {
            int h = i / strips, d = i % strips * STRIP;
            const char *const *rows = b->v;
            int64_t at = h * c->v_head + 2 * d;
            if (w->v_8bit) {
                at = h * c->v_head + d;
                __mmask64 mask = c->dim_vo - d >= 64 ? ~0ull : (1ull << (c->dim_vo - d)) - 1;
                switch (c->v_type) {
                case HEDDLE_INT8: pack_8bit(HEDDLE_INT8, rows, at, b->tokens, pairs, mask, packed, feed, credit); break;
                case HEDDLE_E4M3: pack_8bit(HEDDLE_E4M3, rows, at, b->tokens, pairs, mask, packed, feed, credit); break;
                default: pack_8bit(HEDDLE_E5M2, rows, at, b->tokens, pairs, mask, packed, feed, credit); break;
                }
            } else if (!w->v_here || b->tokens % 32 != 0) {
                if (d == 0) {
                    for (int t = 0; t < 32 * pairs; t++) {
                        if (t < b->tokens) {
                            stage_bf16(b->v[t] + h * c->v_head, c->v_type, c->dim_vo, (uint16_t *)staged[t]);
                        } else {
                            memset((void *)staged[t], 0, 2 * (size_t)w->dim_vo);
                        }
                    }
                }
                rows = staged;
                at = 2 * d;
            }
            if (w->v_8bit) {
            } else if (d + STRIP <= w->dim_vo) {
                pack(rows, at, pairs, 2, packed, feed, credit);
            } else {
                pack(rows, at, pairs, 1, packed, feed, credit);
            }
        }
        if (i > 0) {
            int h = (i - 1) / strips, d = (i - 1) % strips * STRIP;
            packed = w->packed + ((i - 1) & 1) * BLOCK * STRIP;
            for (int u = h * w->blocks; u < (h + 1) * w->blocks; u++) {
                if (d + STRIP <= w->dim_vo) {
                    multiply(w, u, pairs, 4, packed, d, feed, credit);
                } else {
                    multiply(w, u, pairs, 2, packed, d, feed, credit);
                }
            }
        }
    }
}

void heddle_decode_amx(const char *k, const char *v, const heddle_chunk *c) {
    work w = {.c = c, .dim_qk = (int)heddle_round_up(c->dim_qk, 32), .dim_vo = (int)heddle_round_up(c->dim_vo, 32)};
    w.blocks = (c->group + 15) / 16;
    w.n = (c->group + w.blocks - 1) / w.blocks;
    w.units = c->heads * w.blocks;
    w.rows = w.units * w.n;
    w.stride = (int)heddle_round_up(w.rows, 16);
    w.v_8bit = c->v_type > HEDDLE_BF16;
    if (w.v_8bit) {
        w.dim_vo = (int)heddle_round_up(c->dim_vo, STRIP);
    }
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
    w.p = TAKE(uint16_t, BLOCK * w.rows);
    w.staged = TAKE(uint16_t, 2 * BLOCK * dim);
    w.packed = TAKE(uint16_t, 2 * BLOCK * STRIP);
    uint16_t *row = TAKE(uint16_t, w.dim_qk);

    memset(w.q, 0, sizeof(uint16_t) * (size_t)w.rows * w.dim_qk);
    for (int h = 0; h < c->heads; h++) {
        for (int g = 0; g < c->group; g++) {
            int u = h * w.blocks + g / w.n, column = g % w.n;
            round_q(c->q + (int64_t)(h * c->group + g) * c->dim_qk, c->dim_qk, row);
            uint16_t *to = w.q + (int64_t)u * w.n * w.dim_qk + 2 * column;
            for (int d = 0; d < w.dim_qk; d += 2, to += 2 * w.n) {
                memcpy(to, row + d, 4);
            }
        }
    }
    memset(w.acc, 0, sizeof(float) * (size_t)w.rows * w.dim_vo);
    memset(w.sum, 0, sizeof(float) * 32 * (size_t)w.rows);
    memset(w.s, 0, sizeof(float) * BLOCK * (size_t)w.stride);
    for (int r = 0; r < w.rows; r++) {
        maxima[r] = HEDDLE_LOWEST;
    }

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
        int steps = w.dim_qk / 16 * w.units * (b->tokens + 31) / 32, pairs = (b->tokens + 31) / 32 * 16 * (w.dim_vo / STRIP) * c->heads;
        int s_ns = 19 * steps, w_ns = 5 * w.rows, v_ns = 8 * pairs + 6 * pairs * w.blocks;
        int64_t share = (int64_t)pieces * HEDDLE_CREDIT * 140 / 100;
        int64_t sum = s_ns + w_ns + v_ns;
        score_block(&w, b, &feed, (int)(share * 19 / sum));
        weigh_block(&w, b->tokens, maxima, &feed, (int)(share * 5 / sum));
        value_block(&w, b, &feed, (int)(share * 8 / sum));
    }
    _tile_release();

    for (int h = 0; h < c->heads; h++) {
        for (int g = 0; g < c->group; g++) {
            int r = (h * w.blocks + g / w.n) * w.n + g % w.n, out = h * c->group + g;
            float exact = 0, rounded = 0;
            for (int i = 0; i < 16; i++) {
                exact += w.sum[32 * r + i];
                rounded += w.sum[32 * r + 16 + i];
            }
            float *acc = w.acc + (int64_t)r * w.dim_vo;
            if (rounded > 0) {
                float factor = exact / rounded;
                for (int d = 0; d < w.dim_vo; d++) {
                    acc[d] *= factor;
                }
            }
            c->max[out] = maxima[r];
            c->sum[out] = exact;
            float *to = c->acc + (int64_t)out * c->dim_vo;
            if (c->v_type == HEDDLE_INT8) {
                memcpy(to, acc, sizeof(float) * (size_t)c->dim_vo);
            } else if (w.v_8bit) { /* four of each sixteen elements in each vector of a strip */
                for (int d = 0; d < c->dim_vo; d += 4) {
                    memcpy(to + d, acc + d / STRIP * STRIP + d % 16 * 4 + d % STRIP / 16 * 4, 4 * sizeof(float));
                }
            } else {
                give_interleaved(acc, c->dim_vo, to);
            }
        }
    }
}
