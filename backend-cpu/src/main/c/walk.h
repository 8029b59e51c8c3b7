/* Where the rows of a tile lie, and asking for them ahead of time. */
#ifndef HEDDLE_WALK_H
#define HEDDLE_WALK_H

#include "heddle_cpu.h"
#include <immintrin.h>

#define INLINE static inline __attribute__((always_inline))

/* K and V of a tile's first head. Slot 4b + i holds token b + 4i: the four tokens of a step lie far apart, so that each
   is the beginning of a stream of its own for the prefetcher. Slots beyond the last token repeat the first. */
typedef struct {
    const char *k[HEDDLE_TILE], *v[HEDDLE_TILE];
    const char *k_rows[HEDDLE_TILE], *v_rows[HEDDLE_TILE]; /* in the order of tokens */
    int tokens;
    uint32_t valid; /* bit s: slot s holds a token */
} heddle_tile;

INLINE int heddle_slot(int token) {
    return (token & 3) << 2 | token >> 2;
}

/* Fills a tile with up to 16 tokens from one on, counted from the first page's first. */
static inline void heddle_locate(const char *k, const char *v, const heddle_chunk *c, const int64_t *k_pages,
                                 const int64_t *v_pages, int token, int end, heddle_tile *tile) {
    int tokens = end - token < HEDDLE_TILE ? end - token : HEDDLE_TILE;
    int page = token / c->page_size, within = token % c->page_size;
    tile->valid = 0;
    tile->tokens = tokens;
    for (int i = 0; i < tokens; page++, within = 0) {
        const char *kr = k + k_pages[page] + within * c->k_token;
        const char *vr = v + v_pages[page] + within * c->v_token;
        for (; within < c->page_size && i < tokens; within++, i++, kr += c->k_token, vr += c->v_token) {
            int slot = heddle_slot(i);
            tile->k[slot] = tile->k_rows[i] = kr;
            tile->v[slot] = tile->v_rows[i] = vr;
            tile->valid |= 1u << slot;
        }
    }
    for (int i = tokens; i < HEDDLE_TILE; i++) {
        int slot = heddle_slot(i);
        tile->k[slot] = tile->k[0];
        tile->v[slot] = tile->v[0];
    }
}

/*
 * Asks for rows ahead of time, four lines at a time: a core has some sixteen misses under way at most, so that many
 * requests at once would stall the arithmetic beside which they should run. Tokens i, i + 4, i + 8 and i + 12 together,
 * from one end of their rows to the other: in other orders less of the memory's bandwidth is reached. To L2: L1 has no room.
 */
typedef struct {
    const char *const *rows[2]; /* of K and V */
    int64_t head[2];            /* from head to head */
    int run[2], heads[2];       /* bytes side by side, and how many such runs a row has */
    int tokens, token, plane, h, left, credit;
    const char *at[4];
} heddle_feed;

#define HEDDLE_CREDIT 1024 /* what four lines cost */

/* The next runs: of sixteen rows of K, then of V. */
static __attribute__((noinline)) void heddle_feed_next(heddle_feed *f) {
    if (++f->h == f->heads[f->plane]) {
        f->h = 0;
        f->token++;
        if (f->token % 4 == 0 || f->token >= f->tokens) {
            f->token = (f->token - 1) / 16 * 16;
            f->plane ^= 1;
            if (f->plane == 0) {
                f->token += 16;
            }
        }
    }
    if (f->token >= f->tokens) {
        f->left = -1;
        return;
    }
    for (int i = 0; i < 4; i++) {
        int t = f->token + 4 * i < f->tokens ? f->token + 4 * i : f->token;
        f->at[i] = f->rows[f->plane][t] + f->h * f->head[f->plane];
    }
    f->left = f->run[f->plane];
}

/* Starts with rows of K and V; returns how often four lines will be asked for. */
static inline int heddle_feed_start(heddle_feed *f, const heddle_chunk *c, const char *const *k, const char *const *v,
                                    int tokens, int64_t k_row, int64_t v_row) {
    f->rows[0] = k;
    f->rows[1] = v;
    f->head[0] = c->k_head;
    f->head[1] = c->v_head;
    int k_long = c->k_head == k_row, v_long = c->v_head == v_row;
    f->run[0] = (int)(k_long ? k_row * c->heads : k_row);
    f->run[1] = (int)(v_long ? v_row * c->heads : v_row);
    f->heads[0] = k_long ? 1 : c->heads;
    f->heads[1] = v_long ? 1 : c->heads;
    f->tokens = tokens;
    f->token = f->plane = f->credit = 0;
    f->h = -1;
    f->left = -1;
    if (tokens > 0) {
        heddle_feed_next(f);
    }
    return (tokens + 3) / 4 * ((f->run[0] + 63) / 64 * f->heads[0] + (f->run[1] + 63) / 64 * f->heads[1]);
}

/* Asks for as much as the credit pays for. */
INLINE void heddle_feed_some(heddle_feed *f, int credit) {
    f->credit += credit;
    while (f->credit >= HEDDLE_CREDIT) {
        f->credit -= HEDDLE_CREDIT;
        if (f->left < 0) {
            return;
        }
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++) {
            _mm_prefetch(f->at[i], _MM_HINT_T1);
            f->at[i] += 64;
        }
        f->left -= 64;
        if (f->left <= 0) {
            heddle_feed_next(f);
        }
    }
}

/* The rows of K or V of one head in a tile. */
typedef struct {
    int v, head;
} heddle_run;

/* The order in which runs are read, of 2 * heads: K a head ahead of V, so that no weight has to wait for its score. */
INLINE heddle_run heddle_run_at(int i, int heads) {
    int v = i == 2 * heads - 1 || (i > 0 && i % 2 == 0);
    return (heddle_run){v, i == 2 * heads - 1 ? heads - 1 : v ? i / 2 - 1 : (i + 1) / 2};
}

/* Where to ask for rows while one run is read: near, to L1, are those of the run after, and far, to L2, those of the same
   run in the next tile. By slots. Where tokens lie 4 kB apart, far ones only take time, as measured. */
typedef struct {
    const char *near[HEDDLE_TILE], *far[HEDDLE_TILE];
    int both;
} heddle_ahead;

INLINE void heddle_look_ahead(const heddle_chunk *c, const heddle_tile *tile, const heddle_tile *next, int i,
                              heddle_ahead *ahead) {
    if (next->tokens == 0) {
        next = tile; /* which costs little: it is there */
    }
    const int last = i == 2 * c->heads - 1;
    const heddle_run run = heddle_run_at(i, c->heads), after = heddle_run_at(last ? 0 : i + 1, c->heads);
    const heddle_tile *sooner = last ? next : tile;
    const char *const *near = after.v ? sooner->v : sooner->k, *const *far = run.v ? next->v : next->k;
    const int64_t near_at = after.head * (after.v ? c->v_head : c->k_head);
    const int64_t far_at = run.head * (run.v ? c->v_head : c->k_head);
    ahead->both = (run.v ? c->v_token : c->k_token) < 4096;
    for (int slot = 0; slot < HEDDLE_TILE; slot++) {
        ahead->near[slot] = near[slot] + near_at;
        ahead->far[slot] = far[slot] + far_at;
    }
}

/* Asks for a line of each, at bytes into their rows. */
INLINE void heddle_ask(const heddle_ahead *ahead, int slot, int64_t at) {
    if (ahead->both) {
        _mm_prefetch(ahead->far[slot] + at, _MM_HINT_T1);
    }
    _mm_prefetch(ahead->near[slot] + at, _MM_HINT_T0);
}

/* How n heads are cut into blocks of at most most: as even as can be. */
INLINE int heddle_block(int left, int most) {
    int blocks = (left + most - 1) / most;
    return (left + blocks - 1) / blocks;
}

INLINE int64_t heddle_round_up(int64_t n, int64_t to) {
    return (n + to - 1) / to * to;
}

#endif
