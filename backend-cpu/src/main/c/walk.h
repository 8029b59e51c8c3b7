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
    uint32_t valid; /* bit s: slot s holds a token */
} heddle_tile;

INLINE int heddle_slot(int token) {
    return (token & 3) << 2 | token >> 2;
}

/* Fills a tile with up to 16 tokens from one on, counted from the first page's first. */
static void heddle_locate(const char *k, const char *v, const heddle_chunk *c, int token, heddle_tile *tile) {
    int end = c->first + c->count;
    int tokens = end - token < HEDDLE_TILE ? end - token : HEDDLE_TILE;
    int page = token / c->page_size, within = token % c->page_size;
    tile->valid = 0;
    for (int i = 0; i < tokens; page++, within = 0) {
        const char *kr = k + c->k_pages[page] + within * c->k_token;
        const char *vr = v + c->v_pages[page] + within * c->v_token;
        for (; within < c->page_size && i < tokens; within++, i++, kr += c->k_token, vr += c->v_token) {
            int slot = heddle_slot(i);
            tile->k[slot] = kr;
            tile->v[slot] = vr;
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
 * Brings a part of a tile's rows into L2: step of steps, all of which together bring all. Four streams, each from one
 * end of four rows to the other: other orders reach less of the memory's bandwidth, and L1 has no room for it.
 */
INLINE void heddle_prefetch(const char *const *slots, int64_t head, int heads, int64_t row, int step, int steps) {
    if (head == row) { /* the heads of a token side by side are one long row */
        row *= heads;
        heads = 1;
    }
    int lines = (int)((row + 63) / 64), all = 4 * heads * lines;
    int from = all * step / steps, to = all * (step + 1) / steps;
    int line = from % lines, r = from / lines % 4, h = from / lines / 4;
    for (int i = from; i < to; i++) {
        int64_t at = h * head + 64 * (int64_t)line;
        for (int x = 0; x < 4; x++) {
            _mm_prefetch(slots[4 * r + x] + at, _MM_HINT_T1);
        }
        if (++line == lines) {
            line = 0;
            if (++r == 4) {
                r = 0;
                h++;
            }
        }
    }
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
