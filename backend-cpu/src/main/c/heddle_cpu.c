/* Which kernel for which machine and which numbers. */
#include "heddle_cpu.h"
#include "prefill.h"

int32_t heddle_features(void) {
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") || !__builtin_cpu_supports("f16c")) {
        return HEDDLE_NONE;
    }
    if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") || !__builtin_cpu_supports("avx512vl")
        || !__builtin_cpu_supports("avx512dq")) {
        return HEDDLE_AVX2;
    }
    return __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512vbmi") ? HEDDLE_AVX512_BF16
                                                                                       : HEDDLE_AVX512;
}

static int64_t up(int64_t n, int64_t to) {
    return (n + to - 1) / to * to;
}

int64_t heddle_scratch(int32_t heads, int32_t group, int32_t dim_qk, int32_t dim_vo) {
    int64_t rows = (int64_t)heads * group, qk = up(dim_qk, 64), vo = up(dim_vo, 64);
    /* q and accumulators; scores, two sums and weights; sixteen staged rows. All as if of f32. */
    return 4 * (rows * (qk + vo + 4 * HEDDLE_TILE) + HEDDLE_TILE * (qk > vo ? qk : vo)) + 6 * 64;
}

void heddle_decode(const char *k, const char *v, const heddle_chunk *chunk, int32_t isa) {
    /* f16 and f32 do not fit into bf16. */
    int bf16 = isa == HEDDLE_AVX512_BF16 && chunk->bf16 && chunk->k_type >= HEDDLE_BF16
        && chunk->v_type >= HEDDLE_BF16;
    if (bf16) {
        heddle_decode_avx512_bf16(k, v, chunk);
    } else if (isa >= HEDDLE_AVX512) {
        heddle_decode_avx512(k, v, chunk);
    } else {
        heddle_decode_avx2(k, v, chunk);
    }
}

int64_t heddle_prefill_scratch(int32_t rows, int32_t dim_qk, int32_t dim_vo) {
    int64_t qk = up(dim_qk, 64), vo = up(dim_vo, 64);
    /* Keys, values, scores, accumulators, and queries. */
    return 4 * (HEDDLE_TOKENS * (qk + vo) + (HEDDLE_TOKENS + HEDDLE_SPARE) * HEDDLE_STRIDE + HEDDLE_ROWS * vo + up(rows, 64) * qk);
}

void heddle_prefill(const char *k, const char *v, const heddle_rows *rows, int32_t isa) {
    if (isa >= HEDDLE_AVX512) {
        heddle_prefill_avx512(k, v, rows);
    } else {
        heddle_prefill_avx2(k, v, rows);
    }
}
