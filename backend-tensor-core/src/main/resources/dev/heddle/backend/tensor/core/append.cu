// Append and prefill on tensor cores, for one shape. common.cu, conclude.cu and tiles.cu precede it; no header is needed to compile it.
//
// As decode.cu, with the sides of the matrix instruction exchanged (Dao, FlashAttention-2, 2023): a warp has 16 rows, which
// are its M, against tiles of K and V that a team of ROWS / 16 warps shares. S = q K^T and O = P V then need no
// transposition, and a tile of K and V is read from memory once for all rows of the CTA. With few rows several teams each
// take their share of the tokens; with 128 there is one. Tiles that no row of a warp sees are passed over, and only those at
// an edge are masked.
//
// Set by the specialisation: ROWS (16 to 128), WARP_ROWS (16), TILE (a multiple of 16), DIM_QK, DIM_VO (multiples of 16),
// KV_TYPE, WARPS, CTAS, SLOTS (at least 2), CLUSTER, GENERAL.

// One step of K as the second operand, for tokens 0 to 7 and 8 to 15: rows are 16 elements. Bytes as in decode.cu.
__device__ __forceinline__ void keys(u32 (&b)[2][2], const u32 (&x)[4], int step) {
#pragma unroll
    for (int n = 0; n < 2; n++) {
#if BYTES
        widen(x[2 * n + step], b[n][0], b[n][1]);
#else
        b[n][0] = x[2 * n];
        b[n][1] = x[2 * n + 1];
#endif
    }
}

// One step of V as the second operand, for elements 0 to 7 and 8 to 15, or even and odd ones of bytes: rows are 16 tokens.
__device__ __forceinline__ void values(u32 (&b)[2][2], const u32 (&x)[4], int step) {
#if BYTES
    widen(__byte_perm(x[2 * step], 0, 0x3120), b[0][0], b[1][0]);
    widen(__byte_perm(x[2 * step + 1], 0, 0x3120), b[0][1], b[1][1]);
#else
    b[0][0] = x[0];
    b[0][1] = x[1];
    b[1][0] = x[2];
    b[1][1] = x[3];
#endif
}

// Which keys the rows of this thread see.
struct Sight {
    int firstRow;
    int group;
    int offset; // position of query row 0
    int end;
    int windowLeft;
    bool causal;

    __device__ __forceinline__ int position(int row) const { return offset + (firstRow + row) / group; }

    // Of tokens that exist.
    __device__ __forceinline__ bool visible(int token, int at) const {
        return (!causal || token <= at) && (windowLeft < 0 || token >= at - windowLeft);
    }
};

#if CLUSTER > 1
extern "C" __global__ void __cluster_dims__(CLUSTER, 1, 1) __launch_bounds__(WARPS * 32, CTAS) heddle_decode
#else
extern "C" __global__ void __launch_bounds__(WARPS * 32, CTAS) heddle_decode
#endif
(const __grid_constant__ Params p) {
    static_assert(TILE >= 16 && TILE % 16 == 0, "whole steps of the matrix instruction");
    static const int BLOCKS = TILE / 16; // of tokens
    const int lane = threadIdx.x & 31;
    const int team = threadIdx.x / (TEAM * 32);
    const int own = threadIdx.x / 32 % TEAM * 16; // the first of this warp's rows
    const Unit u = unitOf(p);
    if (u.counter < 0) return;
#if CLUSTER > 1
    clusterBegins();
#endif
    u32 ring = (u32)__cvta_generic_to_shared(shared) + team * (SLOTS * SLOT);
    const int* pages = p.pages + u.pages;
    const long long kHead = u.kvHead * p.kHeadStride;
    const long long vHead = u.kvHead * p.vHeadStride;
    const u64 policy = evictFirst();

    const int tiles = (u.kvEnd - u.kvStart + TILE - 1) / TILE;
    const int mine = tiles > team ? (tiles - team + TEAMS - 1) / TEAMS : 0;
    Ids ids;
    Ids idsAhead;
    ids.load(p, pages, u.kvStart + team * TILE, u.kvEnd);
    idsAhead.load(p, pages, u.kvStart + (team + TEAMS) * TILE, u.kvEnd);
    auto fetch = [&](int piece) {
        int t = piece >> 1;
        if (t < mine) {
            int start = u.kvStart + (team + t * TEAMS) * TILE;
            u32 target = ring + piece % SLOTS * SLOT;
            if (piece & 1) {
                copyTile<V_PIECES, V_PITCH>(p, policy, target, (u64)p.v, V_SEGMENTS, p.vPageStride, p.vTokenStride, vHead, ids, start, u.kvEnd);
                ids = idsAhead;
                idsAhead.load(p, pages, start + 2 * TEAMS * TILE, u.kvEnd);
            } else {
                copyTile<K_PIECES, K_PITCH>(p, policy, target, (u64)p.k, K_SEGMENTS, p.kPageStride, p.kTokenStride, kHead, ids, start, u.kvEnd);
            }
        }
        commit();
    };
#pragma unroll
    for (int piece = 0; piece < SLOTS - 1; piece++) fetch(piece);

#if GENERAL
    const bool modified = p.softCap != 0 || p.slopes || p.smScale <= 0;
#else
    const bool modified = p.smScale <= 0; // the maximum is looked for before scores are scaled
#endif
    const int rows = min(ROWS, u.qoLen * p.groupSize - u.firstRow);
    const Sight sight = {u.firstRow, p.groupSize, u.kvLen - u.qoLen, u.kvEnd, p.windowLeft, p.causal != 0};

    // This thread's rows are lane / 4 and, with half = 1, 8 more.
    float scale[2];
    float factor[2]; // what makes a score a power of two
#if GENERAL
    float slope[2] = {0, 0};
    int position[2];
#endif
    u32 q[K_STEPS][4]; // as the first operand
#pragma unroll
    for (int half = 0; half < 2; half++) {
        int r = own + lane / 4 + half * 8;
        int at = u.firstRow + (r < rows ? r : 0);
        int head = u.kvHead * p.groupSize + at % p.groupSize;
        u32 row[K_STEPS][2];
        float divided = loadQuery(row, p,
            (const u16*)p.q + (u.row + at / p.groupSize) * p.qRowStride + head * p.qHeadStride, r < rows);
#pragma unroll
        for (int k = 0; k < K_STEPS; k++) {
            q[k][half] = row[k][0];
            q[k][half + 2] = row[k][1];
        }
        scale[half] = scaleOf(p, u.kvHead) * divided;
        factor[half] = modified ? 1 : scale[half] * LOG2E;
#if GENERAL
        position[half] = u.kvLen - u.qoLen + at / p.groupSize;
        if (p.slopes) slope[half] = p.slopes[head * p.slopeStride];
#endif
    }
    // Positions of the warp's rows; without rows it takes part in barriers and copies only.
    const int lowest = sight.position(own);
    const int highest = sight.position(min(own + 15, rows - 1));

    // Where this lane points in 16 tokens of a tile: four matrices are tokens × two pieces, of K pieces first, of V tokens first.
    const u32 kLane = pieceAt<K_PITCH>(lane % 8 + lane / 16 * 8, lane / 8 % 2);
    const u32 vLane = pieceAt<V_PITCH>(lane % 16, lane / 16);
    float top[2] = {NEG_INF, NEG_INF};
    float sum[4] = {0, 0, 0, 0}; // of columns even and odd, first of the first row
    float o[2 * V_STEPS][4];
#pragma unroll
    for (int n = 0; n < 2 * V_STEPS; n++) {
#pragma unroll
        for (int i = 0; i < 4; i++) o[n][i] = 0;
    }

    for (int t = 0; t < mine; t++) {
        const int start = u.kvStart + (team + t * TEAMS) * TILE;
        bool whole = start + TILE <= u.kvEnd;
        bool seen = own < rows;
#if GENERAL
        whole = whole && (!sight.causal || start + TILE - 1 <= lowest)
            && (sight.windowLeft < 0 || start >= highest - sight.windowLeft);
        seen = seen && (!sight.causal || start <= highest)
            && (sight.windowLeft < 0 || start + TILE > lowest - sight.windowLeft);
#endif
        arrive<SLOTS - 2>();
        teamBarrier();
        fetch(2 * t + SLOTS - 1);
        u32 w[BLOCKS][4]; // weights as the first operand
#if GENERAL
        bool hidden = false; // from some row, though it is a token of the request
#endif
        if (seen) {
            u32 slot = ring + 2 * t % SLOTS * SLOT;
            float s[2 * BLOCKS][4];
#pragma unroll
            for (int n = 0; n < 2 * BLOCKS; n++) {
#pragma unroll
                for (int i = 0; i < 4; i++) s[n][i] = 0;
            }
#pragma unroll
            for (int k = 0; k < K_STEPS; k += STEPS) {
#pragma unroll
                for (int b = 0; b < BLOCKS; b++) {
                    u32 x[4];
                    matrices(x, stepAt<K_PIECES, K_PITCH>(slot + kLane, k * 2 / STEPS, lane / 8 % 2) + b * (16 * 16 * K_PITCH));
#pragma unroll
                    for (int step = 0; step < STEPS && k + step < K_STEPS; step++) {
                        u32 key[2][2];
                        keys(key, x, step);
                        multiply(s[2 * b], q[k + step], key[0]);
                        multiply(s[2 * b + 1], q[k + step], key[1]);
                    }
                }
            }
            if (modified) {
#pragma unroll
                for (int n = 0; n < 2 * BLOCKS; n++) {
#pragma unroll
                    for (int i = 0; i < 4; i++) {
                        float x = s[n][i] * scale[i / 2];
#if GENERAL
                        const int token = start + n * 8 + lane % 4 * 2 + (i & 1);
                        if (p.softCap != 0) x = p.softCap * tanhAccurate(x / p.softCap);
                        x += slope[i / 2] * (float)(token - position[i / 2]);
#endif
                        s[n][i] = x * LOG2E;
                    }
                }
            }
            if (!whole) {
#pragma unroll
                for (int n = 0; n < 2 * BLOCKS; n++) {
#pragma unroll
                    for (int i = 0; i < 4; i++) {
                        const int token = start + n * 8 + lane % 4 * 2 + (i & 1);
                        bool real = token < u.kvEnd;
#if GENERAL
                        const bool visible = sight.visible(token, position[i / 2]);
                        hidden = hidden || (real && !visible);
                        real = real && visible;
#endif
                        s[n][i] = real ? s[n][i] : NEG_INF;
                    }
                }
            }
            // Chains of dependent instructions are what bounds a warp: eight short ones in place of two.
            float most[8];
#pragma unroll
            for (int i = 0; i < 8; i++) most[i] = s[i / 4][i % 4];
#pragma unroll
            for (int n = 2; n < 2 * BLOCKS; n++) {
#pragma unroll
                for (int i = 0; i < 4; i++) most[n % 2 * 4 + i] = fmaxf(most[n % 2 * 4 + i], s[n][i]);
            }
            const float high[2] = {factor[0] * fmaxf(fmaxf(most[0], most[1]), fmaxf(most[4], most[5])),
                factor[1] * fmaxf(fmaxf(most[2], most[3]), fmaxf(most[6], most[7]))};
            if (__any_sync(~0u, high[0] > top[0] + (8 + LIFT) || high[1] > top[1] + (8 + LIFT))) {
#pragma unroll
                for (int half = 0; half < 2; half++) {
                    float x = high[half];
                    x = fmaxf(x, __shfl_xor_sync(~0u, x, 1));
                    x = fmaxf(x, __shfl_xor_sync(~0u, x, 2));
                    x = fmaxf(x - LIFT, top[half]);
                    float shrink = top[half] == NEG_INF ? 0 : exp2Fast(top[half] - x);
                    top[half] = x;
                    sum[2 * half] *= shrink;
                    sum[2 * half + 1] *= shrink;
#pragma unroll
                    for (int n = 0; n < 2 * V_STEPS; n++) {
                        o[n][2 * half] *= shrink;
                        o[n][2 * half + 1] *= shrink;
                    }
                }
            }
            const float base[2] = {top[0] == NEG_INF ? 0 : top[0], top[1] == NEG_INF ? 0 : top[1]};
#pragma unroll
            for (int n = 0; n < 2 * BLOCKS; n++) {
                float e[4];
#pragma unroll
                for (int i = 0; i < 4; i++) {
                    e[i] = exp2Fast(fmaf(s[n][i], factor[i / 2], -base[i / 2]));
                    sum[i] += e[i];
                }
                w[n / 2][n % 2 * 2] = pack(e[0], e[1]);
                w[n / 2][n % 2 * 2 + 1] = pack(e[2], e[3]);
            }
        }
        arrive<SLOTS - 2>();
        teamBarrier();
        fetch(2 * t + SLOTS);
        if (seen) {
            u32 slot = ring + (2 * t + 1) % SLOTS * SLOT;
#pragma unroll
            for (int b = 0; b < BLOCKS; b++) {
                const u32 from = slot + vLane + b * (16 * 16 * V_PITCH);
#if GENERAL
                if (__any_sync(~0u, hidden) && hasOddities(slot + b * (16 * 16 * V_PITCH))) {
                    // A weight of zero does not stop NaN: rows one by one, each with what it does not see cleared.
#pragma unroll 1
                    for (int r = 0; r < 16; r++) {
                        const int at = sight.position(min(own + r, rows - 1));
                        u32 keep[2];
#pragma unroll
                        for (int i = 0; i < 2; i++) {
                            const int token = start + b * 16 + i * 8 + lane % 4 * 2;
                            keep[i] = (sight.visible(token, at) ? 0xffffu : 0) | (sight.visible(token + 1, at) ? 0xffff0000u : 0);
                        }
                        const bool owner = lane / 4 == r % 8;
                        const u32 alone[4] = {owner && r < 8 ? w[b][0] : 0, owner && r >= 8 ? w[b][1] : 0,
                            owner && r < 8 ? w[b][2] : 0, owner && r >= 8 ? w[b][3] : 0};
#pragma unroll
                        for (int m = 0; m < V_STEPS; m += STEPS) {
                            u32 x[4];
                            matricesTransposed(x, stepAt<V_PIECES, V_PITCH>(from, m * 2 / STEPS, lane / 16));
#pragma unroll
                            for (int step = 0; step < STEPS && m + step < V_STEPS; step++) {
                                u32 value[2][2];
                                values(value, x, step);
#pragma unroll
                                for (int n = 0; n < 2; n++) {
                                    const u32 pair[2] = {value[n][0] & keep[0], value[n][1] & keep[1]};
                                    float c[4] = {0, 0, 0, 0};
                                    multiply(c, alone, pair);
#pragma unroll
                                    for (int i = 0; i < 4; i++) o[2 * (m + step) + n][i] += owner && i / 2 == r / 8 ? c[i] : 0;
                                }
                            }
                        }
                    }
                    continue;
                }
#endif
#pragma unroll
                for (int m = 0; m < V_STEPS; m += STEPS) {
                    u32 x[4];
                    matricesTransposed(x, stepAt<V_PIECES, V_PITCH>(from, m * 2 / STEPS, lane / 16));
#pragma unroll
                    for (int step = 0; step < STEPS && m + step < V_STEPS; step++) {
                        u32 value[2][2];
                        values(value, x, step);
                        multiply(o[2 * (m + step)], w[b], value[0]);
                        multiply(o[2 * (m + step) + 1], w[b], value[1]);
                    }
                }
            }
        }
    }

    // One state per team, in the place of the rings: [TEAMS][ROWS][STATE_PITCH], then maxima and sums.
    arrive<0>();
    __syncthreads();
    float* states = (float*)shared;
    float* tops = states + TEAMS * ROWS * STATE_PITCH;
    float* sums = tops + TEAMS * ROWS;
#pragma unroll
    for (int half = 0; half < 2; half++) {
        int r = team * ROWS + own + lane / 4 + half * 8;
        float all = sum[2 * half] + sum[2 * half + 1];
        all += __shfl_xor_sync(~0u, all, 1);
        all += __shfl_xor_sync(~0u, all, 2);
        float* state = states + r * STATE_PITCH + lane % 4 * (BYTES ? 4 : 2);
#pragma unroll
        for (int m = 0; m < V_STEPS; m++) {
            const float (&low)[4] = o[2 * m];
            const float (&high)[4] = o[2 * m + 1];
            if (BYTES) {
                *(float4*)(state + m * 16) =
                    make_float4(low[2 * half], high[2 * half], low[2 * half + 1], high[2 * half + 1]);
            } else {
                *(float2*)(state + m * 16) = make_float2(low[2 * half], low[2 * half + 1]);
                *(float2*)(state + m * 16 + 8) = make_float2(high[2 * half], high[2 * half + 1]);
            }
        }
        if (lane % 4 == 0) {
            tops[r] = top[half];
            sums[r] = all;
        }
    }
    __syncthreads();

    conclude<TEAMS, ROWS, STATE_PITCH>(p, u, rows, states, tops, sums);
}
