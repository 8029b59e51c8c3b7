/* Attention of several query rows of one request with one KV head over a run of tokens in pages. */
#ifndef HEDDLE_PREFILL_H
#define HEDDLE_PREFILL_H

#include "heddle_cpu.h"

#define HEDDLE_MOST_DIM 512
#define HEDDLE_ROWS 256   /* rows taken together */
#define HEDDLE_TOKENS 96  /* tokens widened together: a multiple of all blocks of tokens */
#define HEDDLE_SPARE 12   /* tokens whose scores have room beyond those of a tile, to compute in */
#define HEDDLE_STRIDE 272 /* floats from token to token of scores: no divisor of 4096 bytes, which would share cache sets */

/* Java writes it field by field: see PrefillCall. A row is a query row and a head of the group: query * group + head. */
typedef struct {
    const int64_t *k_pages, *v_pages; /* where the pages' rows of the KV head start, from k and v */
    int64_t k_token, v_token;         /* bytes from token to token */
    int32_t page_size, first, count;  /* first: token of the first page with which to begin */
    int32_t rows, group, dim_qk, dim_vo, k_type, v_type, bf16; /* bf16: as in heddle_chunk */
    int32_t fresh;                    /* q, or scale, is another than in the call before with this scratch */
    float scale, cap;                 /* scores are cap * tanh(scale * q.k / cap) in units of log2, or scale * q.k if cap is 0 */
    int32_t segment;                  /* products of a score that are added up in a row; then the sums are added */
    const int32_t *from, *to;         /* [queries]: tokens that a query row sees, counted from the first */
    const uint64_t *mask;             /* [queries][(count + 63) / 64] bits of tokens that it sees, or NULL */
    const float *slopes;              /* [group], or NULL: adds slope * (token + offset) to scores */
    const float *offsets;             /* [queries], the first token's distance from the query's position */
    const float *q;                   /* [rows][dim_qk] */
    float *acc;                       /* out: [rows][dim_vo], the sum of p.v, not normalised */
    float *max, *sum;                 /* out: [rows] */
    char *scratch;                    /* heddle_prefill_scratch bytes, aligned to 64 */
} heddle_rows;

HEDDLE_API int64_t heddle_prefill_scratch(int32_t rows, int32_t dim_qk, int32_t dim_vo);

/* k and v are what offsets count from. isa: at most heddle_features(). */
HEDDLE_API void heddle_prefill(const char *k, const char *v, const heddle_rows *rows, int32_t isa);

void heddle_prefill_avx2(const char *k, const char *v, const heddle_rows *rows);
void heddle_prefill_avx512(const char *k, const char *v, const heddle_rows *rows);
void heddle_prefill_amx(const char *k, const char *v, const heddle_rows *rows);

#endif
