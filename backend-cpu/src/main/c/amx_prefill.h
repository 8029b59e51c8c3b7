/* A tile of query rows with a tile of tokens, in bf16: see amx_prefill.c. */
#ifndef HEDDLE_AMX_PREFILL_H
#define HEDDLE_AMX_PREFILL_H

#include "bf16.h"
#include "prefill.h"

#define TOKENS 128 /* of a tile: K, V, scores and weights of a block of rows stay in L1 */
#define BLOCK 32  /* rows whose scores are computed together: two tiles wide */
#define MOST_BLOCKS (HEDDLE_ROWS / BLOCK)

typedef struct {
    const heddle_rows *c;
    int rows, row, blocks;       /* of this round, and which is the first */
    int dim_qk, dim_vo;          /* padded to 32 */
    uint16_t *queries;           /* [blocks][dim_qk / 2][BLOCK][2] */
    uint16_t *keys, *rows_of_v;  /* [TOKENS][dim] */
    uint16_t *values;            /* [dim_vo][TOKENS] */
    float *s[2];                 /* [TOKENS][BLOCK] */
    uint16_t *p;                 /* [TOKENS / 2][BLOCK][2] */
    float *acc;                  /* [blocks][dim_vo][BLOCK] */
    int odd[TOKENS], odds;       /* tokens of the tile whose values are not all finite */
    int from[MOST_BLOCKS], to[MOST_BLOCKS]; /* what some row of a block sees of the tile; a multiple of 32 each */
    int partly[MOST_BLOCKS];     /* whether some row does not see all of that */
    int32_t first[HEDDLE_ROWS], end[HEDDLE_ROWS]; /* what a row sees of the tile */
    float max[HEDDLE_ROWS], sum[HEDDLE_ROWS], rounded[HEDDLE_ROWS]; /* sums of weights, exact and as rounded to bf16 */
    float slopes[HEDDLE_ROWS], offsets[HEDDLE_ROWS];
} tile_work;

/* Scores of sixteen rows to weights. token: the tile's first, of the run. */
void heddle_soften(tile_work *w, int row, int token, float *s);

/* Adds values that are not all finite to the rows that see them: in a tile they would reach all, 0 * NaN is NaN. */
void heddle_weigh_odd(const tile_work *w, int block, int token);

#endif
