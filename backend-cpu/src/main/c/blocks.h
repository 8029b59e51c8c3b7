/* The rows of some tokens, for kernels with tiles. */
#ifndef HEDDLE_BLOCKS_H
#define HEDDLE_BLOCKS_H

#include "walk.h"

#define BLOCK HEDDLE_BLOCK
#define SUBS (BLOCK / 16)    /* tiles of K, and of V */

typedef struct {
    const char *k[BLOCK], *v[BLOCK]; /* rows of the first head */
    int tokens;
    uint32_t regular; /* bit per tile: sixteen rows of K lie at equal distances */
} block;

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

/* What a tile register is: so many rows of so many bytes. */
typedef struct {
    uint8_t palette, start, reserved[14];
    uint16_t bytes[16];
    uint8_t rows[16];
} __attribute__((packed)) tile_config;

#endif
