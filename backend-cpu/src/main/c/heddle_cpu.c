/* Which kernel for which machine and which numbers. */
#include "heddle_cpu.h"
#include "prefill.h"
#include <sys/syscall.h>
#include <unistd.h>

/* Asks the kernel for the tiles' state, which it keeps for a process only on demand. */
static int may_use_tiles(void) {
    enum { ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 };
    return __builtin_cpu_supports("amx-tile") && __builtin_cpu_supports("amx-bf16") && __builtin_cpu_supports("amx-int8")
        && __builtin_cpu_supports("avx512fp16")
        && syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
}

int32_t heddle_features(void) {
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") || !__builtin_cpu_supports("f16c")) {
        return HEDDLE_NONE;
    }
    if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") || !__builtin_cpu_supports("avx512vl")
        || !__builtin_cpu_supports("avx512dq")) {
        return HEDDLE_AVX2;
    }
    if (!__builtin_cpu_supports("avx512bf16") || !__builtin_cpu_supports("avx512vbmi")) {
        return HEDDLE_AVX512;
    }
    return may_use_tiles() ? HEDDLE_AMX : HEDDLE_AVX512_BF16;
}

static int64_t up(int64_t n, int64_t to) {
    return (n + to - 1) / to * to;
}

/* Of the kernel for int8: units of up to four heads, whose queries are 16 columns each. */
static int64_t scratch_int8(int32_t heads, int32_t group, int64_t qk, int64_t vo) {
    const int64_t blocks = (group + 3) / 4, rows = heads * (group + blocks - 1);
    return heads * blocks * 16 * qk + 4 * rows * (vo + 34) + 2 * HEDDLE_BLOCK * (qk + vo + 64) + 10 * 1024 + 16 * 64;
}

int64_t heddle_scratch(int32_t heads, int32_t group, int32_t dim_qk, int32_t dim_vo) {
    /* Of the kernel that takes most: with a group padded to blocks of equal size. */
    int64_t rows = (int64_t)heads * up(group, (group + 15) / 16), qk = up(dim_qk, 64), vo = up(dim_vo, 64);
    const int64_t integers = scratch_int8(heads, group, qk, vo);
    /* q and accumulators; scores, two sums and weights; staged rows. All as if of f32. */
    return integers + 4 * (up(rows, 16) * (qk + vo + 3 * HEDDLE_BLOCK + 3 * HEDDLE_TILE + 1)
            + HEDDLE_BLOCK * ((qk > vo ? qk : vo) + HEDDLE_TILE + 64)) + 16 * 64;
}

/* Whether tiles cost more than they gain: where few heads share a row of bf16, and sooner where rows have to be copied to
   make tiles. */
static int few_heads(const heddle_chunk *c) {
    return c->group <= (c->page_size % 16 == 0 ? 2 : 4) && (c->k_type == HEDDLE_BF16 || c->v_type == HEDDLE_BF16);
}

void heddle_again(const char *k, const char *v, const char *q, const heddle_chunk *c, int head, char *scratch) {
    heddle_chunk one = *c;
    const int64_t row = (int64_t)head * c->group;
    one.heads = one.fresh = 1;
    one.scratch = scratch;
    one.q_at += row * c->q_head;
    one.scale += head;
    one.acc += row * c->dim_vo;
    one.max += row;
    one.sum += row;
    one.count_next = 0;
    heddle_decode_avx512_bf16(k + head * c->k_head, v + head * c->v_head, q, &one);
}

void heddle_decode(const char *k, const char *v, const char *q, const heddle_chunk *chunk, int32_t isa) {
    /* f16 and f32 do not fit into bf16. */
    int bf16 = isa >= HEDDLE_AVX512_BF16 && chunk->bf16 && chunk->k_type >= HEDDLE_BF16
        && chunk->v_type >= HEDDLE_BF16;
    if (bf16 && isa >= HEDDLE_AMX && chunk->k_type == HEDDLE_INT8 && chunk->v_type == HEDDLE_INT8) {
        heddle_decode_amx_int8(k, v, q, chunk);
    } else if (bf16 && isa >= HEDDLE_AMX && !few_heads(chunk)) {
        heddle_decode_amx(k, v, q, chunk);
    } else if (bf16) {
        heddle_decode_avx512_bf16(k, v, q, chunk);
    } else if (isa >= HEDDLE_AVX512) {
        heddle_decode_avx512(k, v, q, chunk);
    } else {
        heddle_decode_avx2(k, v, q, chunk);
    }
}

int64_t heddle_prefill_scratch(int32_t rows, int32_t dim_qk, int32_t dim_vo) {
    int64_t qk = up(dim_qk, 64), vo = up(dim_vo, 64);
    /* Keys, values, scores, accumulators, and queries. */
    /* The kernel with tiles takes less of all: bf16, and fewer tokens. */
    return 4 * (HEDDLE_TOKENS * (qk + vo) + (HEDDLE_TOKENS + HEDDLE_SPARE) * HEDDLE_STRIDE + HEDDLE_ROWS * vo + up(rows, 64) * qk);
}

void heddle_prefill(const char *k, const char *v, const heddle_rows *rows, int32_t isa) {
    if (isa >= HEDDLE_AMX && rows->bf16 && rows->k_type >= HEDDLE_BF16 && rows->v_type >= HEDDLE_BF16) {
        heddle_prefill_amx(k, v, rows);
    } else if (isa >= HEDDLE_AVX512) {
        heddle_prefill_avx512(k, v, rows);
    } else {
        heddle_prefill_avx2(k, v, rows);
    }
}
