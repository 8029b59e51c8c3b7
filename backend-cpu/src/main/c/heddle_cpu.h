/* Decode attention of one query row per request with some KV heads over a run of tokens in pages. */
#ifndef HEDDLE_CPU_H
#define HEDDLE_CPU_H

#include <stdint.h>

/* As in Java's DataType. */
enum { HEDDLE_F32, HEDDLE_F16, HEDDLE_BF16, HEDDLE_E4M3, HEDDLE_E5M2, HEDDLE_INT8 };

/* Instruction sets, the later the better. */
enum { HEDDLE_NONE, HEDDLE_AVX2, HEDDLE_AVX512, HEDDLE_AVX512_BF16, HEDDLE_AMX };

#define HEDDLE_API __attribute__((visibility("default")))
#define HEDDLE_TILE 16     /* tokens whose scores are computed together */
#define HEDDLE_BLOCK 32    /* tokens that kernels with tiles take together */
#define HEDDLE_LOWEST (-0x1p126f) /* a maximum before any score: finite, so that it subtracts */

/* Java writes it field by field: see NativeCall. Strides and offsets in bytes, dims in elements. */
typedef struct {
    const int64_t *k_pages, *v_pages; /* where the pages' rows of the first head start, from k and v */
    int64_t k_token, v_token, k_head, v_head;
    int64_t q_at, q_head; /* where the first head's row starts, from q; and from a head to the next */
    int32_t page_size, first, count; /* first: token of the first page with which to begin */
    int32_t heads, group, dim_qk, dim_vo, q_type, k_type, v_type, bf16; /* bf16: so is q, and the result needs no more */
    int32_t first_next, count_next;
    int32_t fresh;      /* 0: q and heads are those of the call before, with the same scratch */
    const float *scale; /* [heads]: what makes a score of q.k, in units of log2 */
    float *acc;         /* out: [heads][group][dim_vo], the sum of p.v, not normalised */
    float *max, *sum;   /* out: [heads][group]; max is HEDDLE_LOWEST and sum 0 where no key was seen */
    char *scratch;      /* heddle_scratch bytes, aligned to 64 */
    /* What this thread will probably read next, to be asked for at the end: pages as above, and how many tokens at most. */
    const int64_t *k_next, *v_next;
} heddle_chunk;

/* What chunks of the same rows left, one after the other, and where their result goes. A state: acc, then max, then sum. */
typedef struct {
    float *state;       /* of the first chunk; the others are folded into it, from left to right */
    int64_t apart;      /* floats from a state to the next */
    int64_t out_at, out_head; /* in bytes: the first head's row, from out, and from a head to the next */
    const float *scale; /* [heads]: what V is multiplied by */
    const float *sinks; /* [heads][group], or null */
    float *lse;         /* out: [heads][group], or null */
    int32_t states, heads, group, dim_vo, out_type, unused;
} heddle_result;

/* What this machine and this library have in common. */
HEDDLE_API int32_t heddle_features(void);

/* Scratch that a chunk of so many heads needs. */
HEDDLE_API int64_t heddle_scratch(int32_t heads, int32_t group, int32_t dim_qk, int32_t dim_vo);

/* k, v and q are what offsets count from. isa: at most heddle_features(). */
HEDDLE_API void heddle_decode(const char *k, const char *v, const char *q, const heddle_chunk *chunk, int32_t isa);

void heddle_decode_avx2(const char *k, const char *v, const char *q, const heddle_chunk *chunk);
void heddle_decode_avx512(const char *k, const char *v, const char *q, const heddle_chunk *chunk);
void heddle_decode_avx512_bf16(const char *k, const char *v, const char *q, const heddle_chunk *chunk);
void heddle_decode_amx(const char *k, const char *v, const char *q, const heddle_chunk *chunk);
void heddle_decode_amx_int8(const char *k, const char *v, const char *q, const heddle_chunk *chunk);

/* Computes one head of a chunk again without tiles, where numbers are not finite. */
void heddle_again(const char *k, const char *v, const char *q, const heddle_chunk *chunk, int head, char *scratch);

/* Folds states into the first. */
HEDDLE_API void heddle_fold(const heddle_result *result);

/* Folds, normalises, and writes rows to out, and LSE. */
HEDDLE_API void heddle_finish(char *out, const heddle_result *result);

#endif
