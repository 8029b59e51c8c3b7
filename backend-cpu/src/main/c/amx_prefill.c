/*
 * AMX: tiles of query rows with tiles of tokens, for whatever is stored as bf16 or in 8 bits. Scores lie transposed, as in
 * prefill.inc: they are K.q, and a lane is a row. V is transposed once for all rows, so that two rows of weights, interleaved
 * as they are rounded to bf16, are the other operand of O = V.p, transposed too. Each row is computed by the same operations
 * in the same order, whatever rows lie beside it.
 */
#include "amx_prefill.h"

typedef struct {
    uint8_t palette, start, reserved[14];
    uint16_t bytes[16];
    uint8_t rows[16];
} __attribute__((packed)) tile_config;

/* Tiles read and write memory behind the compiler's back. */
#define TILES_MEET_MEMORY() __asm__ volatile("" ::: "memory")

/* Pairs of elements side by side, as tiles of the second operand want them. Rows beyond the last are 0. */
static void arrange(const tile_work *w) {
    const heddle_rows *c = w->c;
    uint16_t rows[16][HEDDLE_MOST_DIM] __attribute__((aligned(64)));
    for (int first = 0; first < w->blocks * BLOCK; first += 16) {
        for (int i = 0; i < 16; i++) {
            if (first + i < w->rows) {
                round_q(c->q + (int64_t)(w->row + first + i) * c->dim_qk, c->dim_qk, rows[i]);
            } else {
                memset(rows[i], 0, sizeof(uint16_t) * (size_t)w->dim_qk);
            }
        }
        uint16_t *to = w->queries + (int64_t)first / BLOCK * BLOCK * w->dim_qk + first % BLOCK * 2;
        for (int d = 0; d < w->dim_qk; d += 32, to += 32 * BLOCK) {
            __m512 pairs[16];
#pragma GCC unroll 16
            for (int i = 0; i < 16; i++) {
                pairs[i] = _mm512_load_ps(rows[i] + d);
            }
            transpose(pairs);
#pragma GCC unroll 16
            for (int i = 0; i < 16; i++) {
                _mm512_store_ps(to + 2 * i * BLOCK, pairs[i]);
            }
        }
    }
}

/* Asks for some tokens of the next tile while this one is computed: they lie too far apart for the hardware to do so. */
static void ask(const tile_work *w, const char *k, const char *v, int token, int end) {
    const heddle_rows *c = w->c;
    int64_t k_bytes = (int64_t)c->dim_qk * heddle_bytes(c->k_type), v_bytes = (int64_t)c->dim_vo * heddle_bytes(c->v_type);
    for (int i = token; i < end; i++) {
        const char *kr = k + c->k_pages[i / c->page_size] + i % c->page_size * c->k_token;
        const char *vr = v + c->v_pages[i / c->page_size] + i % c->page_size * c->v_token;
        for (int64_t at = 0; at < k_bytes; at += 64) {
            _mm_prefetch(kr + at, _MM_HINT_T1);
        }
        for (int64_t at = 0; at < v_bytes; at += 64) {
            _mm_prefetch(vr + at, _MM_HINT_T1);
        }
    }
}

static int all_finite(const uint16_t *row, int dim) {
    const __m512i exponent = _mm512_set1_epi16(0x7F80);
    __mmask32 none = 0;
    for (int d = 0; d < dim; d += 32) {
        none |= _mm512_cmpeq_epi16_mask(_mm512_and_si512(_mm512_load_si512(row + d), exponent), exponent);
    }
    return none == 0;
}

/* V of the tile, transposed; 0 where it is not finite. */
static void turn_values(const tile_work *w, const uint16_t *const *rows, int tokens) {
    for (int t = 0; t < tokens; t += 32) {
        for (int d = 0; d < w->dim_vo; d += 32) {
            __m512 low[16], high[16];
#pragma GCC unroll 16
            for (int i = 0; i < 16; i++) {
                __m512i x = _mm512_load_si512(rows[t + 2 * i] + d), y = _mm512_load_si512(rows[t + 2 * i + 1] + d);
                low[i] = _mm512_castsi512_ps(_mm512_unpacklo_epi16(x, y));
                high[i] = _mm512_castsi512_ps(_mm512_unpackhi_epi16(x, y));
            }
            transpose(low);
            transpose(high);
            /* Of each eight elements, the first four are in low. */
            uint16_t *to = w->values + (int64_t)d * TOKENS + t;
#pragma GCC unroll 16
            for (int i = 0; i < 16; i++) {
                _mm512_store_ps(to + (i / 4 * 8 + i % 4) * TOKENS, low[i]);
                _mm512_store_ps(to + (i / 4 * 8 + 4 + i % 4) * TOKENS, high[i]);
            }
        }
    }
}

/* K and V of some tokens, counted from the first page's first, as bf16. */
static void stage(tile_work *w, const char *k, const char *v, int token, int tokens) {
    const heddle_rows *c = w->c;
    static const uint16_t zeros[HEDDLE_MOST_DIM] __attribute__((aligned(64)));
    const uint16_t *rows[TOKENS];
    int page = token / c->page_size, within = token % c->page_size;
    w->odds = 0;
    for (int i = 0; i < tokens; page++, within = 0) {
        const char *kr = k + c->k_pages[page] + within * c->k_token;
        const char *vr = v + c->v_pages[page] + within * c->v_token;
        for (; within < c->page_size && i < tokens; within++, i++, kr += c->k_token, vr += c->v_token) {
            uint16_t *row = w->rows_of_v + (int64_t)i * w->dim_vo;
            stage_bf16(kr, c->k_type, c->dim_qk, w->keys + (int64_t)i * w->dim_qk);
            stage_bf16(vr, c->v_type, c->dim_vo, row);
            rows[i] = row;
            if (!all_finite(row, w->dim_vo)) {
                w->odd[w->odds++] = i;
                rows[i] = zeros;
            }
        }
    }
    int padded = (int)heddle_round_up(tokens, 32);
    for (int i = tokens; i < padded; i++) {
        rows[i] = zeros;
    }
    memset(w->keys + (int64_t)tokens * w->dim_qk, 0, sizeof(uint16_t) * (size_t)(padded - tokens) * w->dim_qk);
    turn_values(w, rows, padded);
}

/* Notes what rows see of a tile; returns whether one sees something. */
static int see(tile_work *w, int token, int tokens) {
    const heddle_rows *c = w->c;
    int some = 0, query = w->row / c->group, head = w->row % c->group;
    for (int b = 0; b < w->blocks; b++) {
        int from = tokens, to = 0, least = tokens, most = 0;
        for (int r = BLOCK * b; r < BLOCK * (b + 1); r++) {
            if (r > 0 && r < w->rows && ++head == c->group) {
                head = 0;
                query++;
            }
            int first = c->from[query] - token, end = c->to[query] - token;
            first = first < 0 ? 0 : first > tokens ? tokens : first;
            end = end < first ? first : end > tokens ? tokens : end;
            w->first[r] = first;
            w->end[r] = end;
            if (first < end) {
                from = first < from ? first : from;
                to = end > to ? end : to;
            }
            most = first > most ? first : most;
            least = end < least ? end : least;
        }
        w->from[b] = from / 32 * 32;
        w->to[b] = (int)heddle_round_up(to, 32);
        w->partly[b] = most > w->from[b] || least < w->to[b];
        some |= from < to;
    }
    return some;
}

/* Scores of what a block sees. */
INLINE void score(const int wide, const tile_work *w, int block, float *s) {
    const int64_t k_row = 2 * (int64_t)w->dim_qk, row = 4 * BLOCK;
    for (int t = w->from[block]; t < w->to[block]; t += 32) {
        const uint16_t *keys = w->keys + (int64_t)t * w->dim_qk;
        const uint16_t *queries = w->queries + (int64_t)block * BLOCK * w->dim_qk;
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
        for (int d = 0; d < w->dim_qk; d += 32, queries += 32 * BLOCK) {
            _tile_loadd(4, keys + d, k_row);
            _tile_loadd(6, queries, row);
            _tile_dpbf16ps(0, 4, 6);
            _tile_loadd(5, keys + 16 * w->dim_qk + d, k_row);
            _tile_dpbf16ps(1, 5, 6);
            if (wide) {
                _tile_loadd(7, queries + 32, row);
                _tile_dpbf16ps(2, 4, 7);
                _tile_dpbf16ps(3, 5, 7);
            }
        }
        float *to = s + t * BLOCK;
        _tile_stored(0, to, row);
        _tile_stored(1, to + 16 * BLOCK, row);
        if (wide) {
            _tile_stored(2, to + 16, row);
            _tile_stored(3, to + 16 * BLOCK + 16, row);
        }
    }
}

static void score_block(const tile_work *w, int block, float *s) {
    TILES_MEET_MEMORY();
    if (w->rows - block * BLOCK > 16) {
        score(1, w, block, s);
    } else {
        score(0, w, block, s);
    }
    TILES_MEET_MEMORY();
}

/* O += V.p of what a block sees. */
INLINE void weigh(const int wide, const tile_work *w, int block) {
    float *acc = w->acc + (int64_t)block * BLOCK * w->dim_vo;
    const int64_t row = 4 * BLOCK, v_row = 2 * TOKENS;
    for (int d = 0; d < w->dim_vo; d += 32, acc += 32 * BLOCK) {
        const uint16_t *values = w->values + (int64_t)d * TOKENS;
        _tile_loadd(0, acc, row);
        _tile_loadd(1, acc + 16 * BLOCK, row);
        if (wide) {
            _tile_loadd(2, acc + 16, row);
            _tile_loadd(3, acc + 16 * BLOCK + 16, row);
        }
        for (int t = w->from[block]; t < w->to[block]; t += 32) {
            const uint16_t *p = w->p + t * BLOCK;
            _tile_loadd(4, values + t, v_row);
            _tile_loadd(6, p, row);
            _tile_dpbf16ps(0, 4, 6);
            _tile_loadd(5, values + 16 * TOKENS + t, v_row);
            _tile_dpbf16ps(1, 5, 6);
            if (wide) {
                _tile_loadd(7, p + 32, row);
                _tile_dpbf16ps(2, 4, 7);
                _tile_dpbf16ps(3, 5, 7);
            }
        }
        _tile_stored(0, acc, row);
        _tile_stored(1, acc + 16 * BLOCK, row);
        if (wide) {
            _tile_stored(2, acc + 16, row);
            _tile_stored(3, acc + 16 * BLOCK + 16, row);
        }
    }
}

static void weigh_block(const tile_work *w, int block) {
    TILES_MEET_MEMORY();
    if (w->rows - block * BLOCK > 16) {
        weigh(1, w, block);
    } else {
        weigh(0, w, block);
    }
    TILES_MEET_MEMORY();
}

/* Brings sums of sixteen rows out, so that rounded weights add up to exact ones. */
static void give(const tile_work *w, int row) {
    const heddle_rows *c = w->c;
    const __m512 exact = _mm512_loadu_ps(w->sum + row), rounded = _mm512_loadu_ps(w->rounded + row);
    const __m512 factor = _mm512_mask_div_ps(_mm512_set1_ps(1), _mm512_cmp_ps_mask(rounded, _mm512_setzero_ps(), _CMP_GT_OQ),
                                             exact, rounded);
    const float *acc = w->acc + (int64_t)row / BLOCK * BLOCK * w->dim_vo + row % BLOCK;
    int rows = w->rows - row < 16 ? w->rows - row : 16;
    for (int d = 0; d < c->dim_vo; d += 16, acc += 16 * BLOCK) {
        __m512 a[16];
#pragma GCC unroll 16
        for (int i = 0; i < 16; i++) {
            a[i] = _mm512_mul_ps(_mm512_load_ps(acc + i * BLOCK), factor);
        }
        transpose(a);
        __mmask16 mask = c->dim_vo - d >= 16 ? 0xFFFF : (__mmask16)((1u << (c->dim_vo - d)) - 1);
        float *to = c->acc + (int64_t)(w->row + row) * c->dim_vo + d;
#pragma GCC unroll 16
        for (int i = 0; i < 16; i++, to += c->dim_vo) {
            if (i < rows) {
                _mm512_mask_storeu_ps(to, mask, a[i]);
            }
        }
    }
    for (int i = 0; i < rows; i++) {
        c->max[w->row + row + i] = w->max[row + i];
        c->sum[w->row + row + i] = w->sum[row + i];
    }
}

static void attend(tile_work *w, const char *k, const char *v) {
    const heddle_rows *c = w->c;
    if (c->fresh) {
        arrange(w);
    }
    memset(w->acc, 0, sizeof(float) * (size_t)w->blocks * BLOCK * w->dim_vo);
    for (int r = 0; r < w->blocks * BLOCK; r++) {
        int row = w->row + (r < w->rows ? r : w->rows - 1);
        w->max[r] = HEDDLE_LOWEST;
        w->sum[r] = w->rounded[r] = 0;
        w->slopes[r] = c->slopes ? c->slopes[row % c->group] : 0;
        w->offsets[r] = c->slopes ? c->offsets[row / c->group] : 0;
    }
    for (int token = 0; token < c->count; token += TOKENS) {
        int tokens = c->count - token < TOKENS ? c->count - token : TOKENS;
        if (!see(w, token, tokens)) {
            continue;
        }
        stage(w, k, v, c->first + token, tokens);
        int left = c->count - token - tokens, next = left < TOKENS ? left : TOKENS;
        /* Scores of a block are on their way while weights of the one before are computed. */
        score_block(w, 0, w->s[0]);
        for (int b = 0; b < w->blocks; b++) {
            int first = c->first + token + tokens;
            ask(w, k, v, first + next * b / w->blocks, first + next * (b + 1) / w->blocks);
            if (b + 1 < w->blocks) {
                score_block(w, b + 1, w->s[(b + 1) & 1]);
            }
            if (w->from[b] >= w->to[b]) {
                continue;
            }
            for (int row = b * BLOCK; row < (b + 1) * BLOCK && row < w->rows; row += 16) {
                heddle_soften(w, row, token, w->s[b & 1]);
            }
            weigh_block(w, b);
            if (w->odds > 0) {
                heddle_weigh_odd(w, b, token);
            }
        }
    }
    for (int row = 0; row < w->rows; row += 16) {
        give(w, row);
    }
}

void heddle_prefill_amx(const char *k, const char *v, const heddle_rows *c) {
    tile_work w = {.c = c};
    w.dim_qk = (int)heddle_round_up(c->dim_qk, 32);
    w.dim_vo = (int)heddle_round_up(c->dim_vo, 32);
    char *at = c->scratch;
#define TAKE(type, count) (type *)at; at += heddle_round_up((int64_t)(count) * (int64_t)sizeof(type), 64)
    w.keys = TAKE(uint16_t, TOKENS * w.dim_qk);
    w.rows_of_v = TAKE(uint16_t, TOKENS * w.dim_vo);
    w.values = TAKE(uint16_t, TOKENS * w.dim_vo);
    w.s[0] = TAKE(float, TOKENS * BLOCK);
    w.s[1] = TAKE(float, TOKENS * BLOCK);
    w.p = TAKE(uint16_t, TOKENS * BLOCK);
    w.acc = TAKE(float, HEDDLE_ROWS * w.dim_vo);
    tile_config config = {.palette = 1};
    for (int i = 0; i < 8; i++) {
        config.rows[i] = 16;
        config.bytes[i] = 64;
    }
    _tile_loadconfig(&config);
    for (w.row = 0; w.row < c->rows; w.row += HEDDLE_ROWS) { /* more than one round for huge groups only */
        w.rows = c->rows - w.row < HEDDLE_ROWS ? c->rows - w.row : HEDDLE_ROWS;
        w.blocks = (w.rows + BLOCK - 1) / BLOCK;
        w.queries = (uint16_t *)at + (int64_t)w.row * w.dim_qk;
        attend(&w, k, v);
    }
    _tile_release();
}
