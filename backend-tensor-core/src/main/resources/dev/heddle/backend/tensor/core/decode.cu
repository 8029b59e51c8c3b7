// Decode on tensor cores, for one shape. common.cu, conclude.cu and tiles.cu precede it; no header is needed to compile it.
//
// One CTA owns one work unit: a tile of up to eight rows (query rows × query heads of one KV head) against one range of KV
// tokens. Each warp has a ring of its own in shared memory and walks over tiles of 16 tokens; no barrier of the CTA is needed
// in the loop. Scores are computed transposed, S^T = K q^T, so that eight rows fill the N of the matrix instruction and no
// group size is padded to sixteen; O^T = V^T P^T takes the weights from the scores' registers by one transposition. The softmax
// is Milakov & Gimelshein's online one in base 2; the maximum is only raised when a score exceeds it by 8.
//
// Set by the specialisation: ROWS (8), WARP_ROWS (8), TILE (16), DIM_QK, DIM_VO (multiples of 16), KV_TYPE, WARPS, CTAS, SLOTS,
// CLUSTER, GENERAL.

static_assert(ROWS == 8 && WARP_ROWS == 8 && TILE == 16, "one matrix instruction: 16 tokens by eight rows");

__device__ __forceinline__ u32 transposed(u32 x) {
    u32 y;
    asm("movmatrix.sync.aligned.m8n8.trans.b16 %0, %1;" : "=r"(y) : "r"(x));
    return y;
}

// One step of K as the first operand: rows are tokens, columns 16 elements. Bytes are taken four at a time, so that columns
// c, c + 1, c + 8, c + 9 of lane c / 2 are neighbours in memory; q is loaded in the same order.
__device__ __forceinline__ void keys(u32 (&a)[4], const u32 (&x)[4], int step) {
#if BYTES
    widen(x[2 * step], a[0], a[2]);
    widen(x[2 * step + 1], a[1], a[3]);
#else
#pragma unroll
    for (int i = 0; i < 4; i++) a[i] = x[i];
#endif
}

// One step of V^T as the first operand: rows are 16 elements, columns tokens. Of bytes, a transposition moves pairs, so that
// rows r and r + 8 are elements 2r and 2r + 1.
__device__ __forceinline__ void values(u32 (&a)[4], const u32 (&x)[4], int step) {
#if BYTES
    widen(__byte_perm(x[step], 0, 0x3120), a[0], a[1]);
    widen(__byte_perm(x[step + 2], 0, 0x3120), a[2], a[3]);
#else
#pragma unroll
    for (int i = 0; i < 4; i++) a[i] = x[i];
#endif
}

#if CLUSTER > 1
extern "C" __global__ void __cluster_dims__(CLUSTER, 1, 1) __launch_bounds__(WARPS * 32, CTAS) heddle_decode
#else
extern "C" __global__ void __launch_bounds__(WARPS * 32, CTAS) heddle_decode
#endif
(const __grid_constant__ Params p) {
    const int lane = threadIdx.x & 31;
    const int warp = threadIdx.x / 32;
    const Unit u = unitOf(p);
    if (u.counter < 0) return;
#if CLUSTER > 1
    clusterBegins();
#endif
    u32 ring = (u32)__cvta_generic_to_shared(shared) + warp * (SLOTS * SLOT);
    const int* pages = p.pages + u.pages;
    const long long kHead = u.kvHead * p.kHeadStride;
    const long long vHead = u.kvHead * p.vHeadStride;
    const u64 policy = evictFirst();

    const int tiles = (u.kvEnd - u.kvStart + TILE - 1) / TILE;
    const int mine = tiles > warp ? (tiles - warp + WARPS - 1) / WARPS : 0;
    Ids ids;
    Ids idsAhead;
    ids.load(p, pages, u.kvStart + warp * TILE, u.kvEnd);
    idsAhead.load(p, pages, u.kvStart + (warp + WARPS) * TILE, u.kvEnd);
    auto fetch = [&](int piece) {
        int t = piece >> 1;
        if (t < mine) {
            int start = u.kvStart + (warp + t * WARPS) * TILE;
            u32 target = ring + piece % SLOTS * SLOT;
            if (piece & 1) {
                copyTile<V_PIECES, V_PITCH>(p, policy, target, (u64)p.v, V_SEGMENTS, p.vPageStride, p.vTokenStride, vHead, ids, start, u.kvEnd);
                ids = idsAhead;
                idsAhead.load(p, pages, start + 2 * WARPS * TILE, u.kvEnd);
            } else {
                copyTile<K_PIECES, K_PITCH>(p, policy, target, (u64)p.k, K_SEGMENTS, p.kPageStride, p.kTokenStride, kHead, ids, start, u.kvEnd);
            }
        }
        commit();
    };
#pragma unroll
    for (int piece = 0; piece < SLOTS; piece++) fetch(piece);

#if GENERAL
    const bool modified = p.softCap != 0 || p.slopes;
#else
    const bool modified = false;
#endif
    const int rows = min(ROWS, u.qoLen * p.groupSize - u.firstRow);
    float scale[2]; // of the rows of this thread's scores, lane % 4 * 2 and the next
    u32 q[K_STEPS][2];
    {
        int r = lane / 4;
        int at = u.firstRow + (r < rows ? r : 0);
        int head = u.kvHead * p.groupSize + at % p.groupSize;
        float divided = loadQuery(q, p, (const u16*)p.q + (u.row + at / p.groupSize) * p.qRowStride + head * p.qHeadStride,
            r < rows);
#pragma unroll
        for (int j = 0; j < 2; j++) {
            scale[j] = scaleOf(p, u.kvHead) * (modified ? 1 : LOG2E);
            if (BYTES) scale[j] *= __shfl_sync(~0u, divided, (lane % 4 * 2 + j) * 4);
        }
    }

    // Where this lane points in a tile: four matrices are 16 tokens × two pieces, of K tokens first, of V pieces first.
    const u32 kLane = pieceAt<K_PITCH>(lane % 16, lane / 16);
    const u32 vLane = pieceAt<V_PITCH>(lane % 8 + lane / 16 * 8, lane / 8 % 2);
    float top[2] = {NEG_INF, NEG_INF};
    float sum[2] = {0, 0};
    float o[V_STEPS][4];
#pragma unroll
    for (int m = 0; m < V_STEPS; m++) {
#pragma unroll
        for (int i = 0; i < 4; i++) o[m][i] = 0;
    }

    for (int t = 0; t < mine; t++) {
        arrive<SLOTS - 1>();
        __syncwarp();
        u32 slot = ring + 2 * t % SLOTS * SLOT;
        float s[4] = {0, 0, 0, 0};
        float odd[4] = {0, 0, 0, 0}; // every other step: half the chain of dependent instructions
#pragma unroll
        for (int k = 0; k < K_STEPS; k += STEPS) {
            u32 x[4];
            matrices(x, stepAt<K_PIECES, K_PITCH>(slot + kLane, k * 2 / STEPS, lane / 16));
#pragma unroll
            for (int step = 0; step < STEPS && k + step < K_STEPS; step++) {
                u32 a[4];
                keys(a, x, step);
                multiply((k + step) % 2 ? odd : s, a, q[k + step]);
            }
        }
        __syncwarp();
        fetch(2 * t + SLOTS);

        const int start = u.kvStart + (warp + t * WARPS) * TILE;
        const bool whole = start + TILE <= u.kvEnd;
        bool raise = false;
#if GENERAL
        bool hidden = false; // from some row, though it is a token of the request
#endif
#pragma unroll
        for (int i = 0; i < 4; i++) {
            const int token = start + lane / 4 + (i >= 2 ? 8 : 0);
            s[i] = (s[i] + odd[i]) * scale[i & 1];
            bool seen = whole || token < u.kvEnd;
#if GENERAL
            const int r = lane % 4 * 2 + (i & 1);
            const int at = u.firstRow + (r < rows ? r : 0);
            const int position = u.kvLen - u.qoLen + at / p.groupSize;
            if (modified) {
                if (p.softCap != 0) s[i] = p.softCap * tanhAccurate(s[i] / p.softCap);
                if (p.slopes) {
                    s[i] += p.slopes[(u.kvHead * p.groupSize + at % p.groupSize) * p.slopeStride] * (float)(token - position);
                }
                s[i] *= LOG2E;
            }
            const bool visible =
                (!p.causal || token <= position) && (p.windowLeft < 0 || token >= position - p.windowLeft);
            hidden = hidden || (seen && !visible);
            seen = seen && visible;
#endif
            s[i] = seen ? s[i] : NEG_INF;
            raise = raise || s[i] > top[i & 1] + (8 + LIFT);
        }
        if (__any_sync(~0u, raise)) {
#pragma unroll
            for (int j = 0; j < 2; j++) {
                float high = fmaxf(s[j], s[j + 2]);
#pragma unroll
                for (int d = 4; d < 32; d <<= 1) high = fmaxf(high, __shfl_xor_sync(~0u, high, d));
                high = fmaxf(high - LIFT, top[j]);
                float shrink = top[j] == NEG_INF ? 0 : exp2Fast(top[j] - high);
                top[j] = high;
                sum[j] *= shrink;
#pragma unroll
                for (int m = 0; m < V_STEPS; m++) {
                    o[m][j] *= shrink;
                    o[m][j + 2] *= shrink;
                }
            }
        }
        float e[4];
#pragma unroll
        for (int i = 0; i < 4; i++) {
            float high = top[i & 1];
            e[i] = exp2Fast(s[i] - (high == NEG_INF ? 0 : high));
            sum[i & 1] += e[i];
        }
        const u32 w[2] = {transposed(pack(e[0], e[1])), transposed(pack(e[2], e[3]))};
        arrive<SLOTS - 1>();
        __syncwarp();
        slot = ring + (2 * t + 1) % SLOTS * SLOT;
#if GENERAL
        if (__any_sync(~0u, hidden) && hasOddities(slot)) {
            // A weight of zero does not stop NaN: rows one by one, each with what it does not see cleared.
#pragma unroll 1
            for (int r = 0; r < 8; r++) {
                const int owner = lane % 4 == r / 2;
                u32 low = __ballot_sync(~0u, owner && (r & 1 ? s[1] : s[0]) != NEG_INF) >> r / 2;
                u32 high = __ballot_sync(~0u, owner && (r & 1 ? s[3] : s[2]) != NEG_INF) >> r / 2;
                const int at = lane % 4 * 8; // of the two tokens that this lane holds, among bits 4 apart
                const u32 keep[2] = {(low >> at & 1 ? 0xffffu : 0) | (low >> at & 16 ? 0xffff0000u : 0),
                    (high >> at & 1 ? 0xffffu : 0) | (high >> at & 16 ? 0xffff0000u : 0)};
                const u32 alone[2] = {lane / 4 == r ? w[0] : 0, lane / 4 == r ? w[1] : 0};
#pragma unroll
                for (int m = 0; m < V_STEPS; m += STEPS) {
                    u32 x[4];
                    matricesTransposed(x, stepAt<V_PIECES, V_PITCH>(slot + vLane, m * 2 / STEPS, lane / 8 % 2));
#pragma unroll
                    for (int step = 0; step < STEPS && m + step < V_STEPS; step++) {
                        u32 a[4];
                        values(a, x, step);
#pragma unroll
                        for (int i = 0; i < 4; i++) a[i] &= keep[i / 2];
                        float c[4] = {0, 0, 0, 0};
                        multiply(c, a, alone);
#pragma unroll
                        for (int i = 0; i < 4; i++) o[m + step][i] += owner && (i & 1) == (r & 1) ? c[i] : 0;
                    }
                }
            }
        } else
#endif
        {
#pragma unroll
            for (int m = 0; m < V_STEPS; m += STEPS) {
                u32 x[4];
                matricesTransposed(x, stepAt<V_PIECES, V_PITCH>(slot + vLane, m * 2 / STEPS, lane / 8 % 2));
#pragma unroll
                for (int step = 0; step < STEPS && m + step < V_STEPS; step++) {
                    u32 a[4];
                    values(a, x, step);
                    multiply(o[m + step], a, w);
                }
            }
        }
        __syncwarp();
        fetch(2 * t + 1 + SLOTS);
    }

    // One state per warp, in the place of the rings: [WARPS][ROWS][STATE_PITCH], then maxima and sums.
    arrive<0>();
    __syncthreads();
    float* states = (float*)shared;
    float* tops = states + WARPS * ROWS * STATE_PITCH;
    float* sums = tops + WARPS * ROWS;
#pragma unroll
    for (int j = 0; j < 2; j++) {
        int r = warp * ROWS + lane % 4 * 2 + j;
#pragma unroll
        for (int d = 4; d < 32; d <<= 1) sum[j] += __shfl_xor_sync(~0u, sum[j], d);
        float* state = states + r * STATE_PITCH;
#pragma unroll
        for (int m = 0; m < V_STEPS; m++) {
            state[m * 16 + (BYTES ? lane / 4 * 2 : lane / 4)] = o[m][j];
            state[m * 16 + (BYTES ? lane / 4 * 2 + 1 : lane / 4 + 8)] = o[m][j + 2];
        }
        if (lane < 4) {
            tops[r] = top[j];
            sums[r] = sum[j];
        }
    }
    __syncthreads();

    conclude<WARPS, ROWS, STATE_PITCH>(p, u, rows, states, tops, sums);
}
