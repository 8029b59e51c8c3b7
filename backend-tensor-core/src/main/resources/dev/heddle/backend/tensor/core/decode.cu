// Decode and append on tensor cores, for one shape. common.cu precedes it; no header is needed to compile it.
//
// One CTA owns one work unit: the rows of one tile (query rows × query heads of one KV head, up to ROWS) against one range
// of KV tokens. Each warp has a ring of its own in shared memory and walks over tiles of 16 tokens; no barrier is needed in
// the loop. Scores are computed transposed, S^T = K q^T, so that eight rows fill the N of the matrix instruction and no
// group size is padded to sixteen; O^T = V^T P^T takes the weights from the scores' registers by one transposition.
// The softmax is Milakov & Gimelshein's online one in base 2; the maximum is only raised when a score exceeds it by 8.
//
// Set by the specialisation: ROWS (a multiple of 8), DIM_QK, DIM_VO (multiples of 16), KV_TYPE, WARPS, CTAS, SLOTS, GENERAL.


static const int TILE = 16;                                  // tokens
static const int K_CHUNKS = DIM_QK / 8;                      // pieces of 16 bytes
static const int V_CHUNKS = DIM_VO / 8;
static const int K_PITCH = K_CHUNKS % 8 == 0 ? K_CHUNKS : K_CHUNKS | 1; // odd pitches need no permutation
static const int V_PITCH = V_CHUNKS % 8 == 0 ? V_CHUNKS : V_CHUNKS | 1;
static const int SLOT = TILE * 16 * (K_PITCH > V_PITCH ? K_PITCH : V_PITCH);
static const int TILES8 = ROWS / 8;
static const int K_STEPS = DIM_QK / 16;
static const int V_STEPS = DIM_VO / 16;
static const int STATE_PITCH = DIM_VO + 4;

template <int PITCH> __device__ __forceinline__ u32 pieceAt(int token, int chunk) {
    return (token * PITCH + (PITCH % 8 == 0 ? chunk ^ (token & 7) : chunk)) * 16;
}
// Copies one tile of K or V; lane = token computes where its row begins. Tokens past the end become zeros, so that what
// lies in unused slots never meets a number.
template <int CHUNKS, int PITCH>
__device__ __forceinline__ void copyTile(const Params& p, u64 policy, u32 target, u64 base, const u64* segments,
        long long pageStride, long long tokenStride, long long headOffset, int id, int start, int end) {
    const int lane = threadIdx.x & 31;
    const u64 row = rowOf(p, base, segments, pageStride, tokenStride, headOffset, id, start, end);
#pragma unroll
    for (int i = 0; i < TILE * CHUNKS; i += 32) {
        int t = (i + lane) / CHUNKS;
        int piece = (i + lane) % CHUNKS;
        copy16(p, policy, target + pieceAt<PITCH>(t, piece), __shfl_sync(~0u, row, t) + piece * 16, t < end - start);
    }
}

__device__ __forceinline__ void multiply(float (&c)[4], const u32 (&a)[4], const u32 (&b)[2]) {
#if KV_TYPE == BF16
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
#else
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
#endif
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3]) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

__device__ __forceinline__ u32 pack(float low, float high) {
    u32 y;
#if KV_TYPE == BF16
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(y) : "f"(high), "f"(low));
#else
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(y) : "f"(high), "f"(low));
#endif
    return y;
}

__device__ __forceinline__ u32 transposed(u32 x) {
    u32 y;
    asm("movmatrix.sync.aligned.m8n8.trans.b16 %0, %1;" : "=r"(y) : "r"(x));
    return y;
}

__device__ __forceinline__ void matrices(u32 (&x)[4], u32 address) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
        : "=r"(x[0]), "=r"(x[1]), "=r"(x[2]), "=r"(x[3]) : "r"(address));
}

__device__ __forceinline__ void matricesTransposed(u32 (&x)[4], u32 address) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
        : "=r"(x[0]), "=r"(x[1]), "=r"(x[2]), "=r"(x[3]) : "r"(address));
}

// Whether a tile of V holds NaN or infinity: exponents that are all ones.
template <int STEPS, int PITCH> __device__ __forceinline__ bool hasOddities(u32 slot) {
    const u32 EXPONENT = KV_TYPE == BF16 ? 0x7f80 : 0x7c00;
    const int lane = threadIdx.x & 31;
    bool odd = false;
#pragma unroll
    for (int m = 0; m < STEPS; m++) {
        u32 a[4];
        matricesTransposed(a, slot + pieceAt<PITCH>(lane % 8 + lane / 16 * 8, m * 2 + lane / 8 % 2));
#pragma unroll
        for (int i = 0; i < 4; i++) {
            odd = odd || (a[i] & EXPONENT) == EXPONENT || (a[i] >> 16 & EXPONENT) == EXPONENT;
        }
    }
    return __any_sync(~0u, odd);
}

extern "C" __global__ void __launch_bounds__(WARPS * 32, CTAS) heddle_decode(const __grid_constant__ Params p) {
    const int lane = threadIdx.x & 31;
    const int warp = threadIdx.x >> 5;
    const Unit u = p.units[blockIdx.x];
    if (u.counter < 0) return;
    u32 ring = (u32)__cvta_generic_to_shared(shared) + warp * (SLOTS * SLOT);
    const int* pages = p.pages + u.pages;
    const long long kHead = u.kvHead * p.kHeadStride;
    const long long vHead = u.kvHead * p.vHeadStride;
    const u64 policy = evictFirst();

    const int tiles = (u.kvEnd - u.kvStart + TILE - 1) / TILE;
    const int mine = tiles > warp ? (tiles - warp + WARPS - 1) / WARPS : 0;
    int id = pageId(p, pages, u.kvStart + warp * TILE, u.kvEnd);
    int idAhead = pageId(p, pages, u.kvStart + (warp + WARPS) * TILE, u.kvEnd);
    auto fetch = [&](int piece) {
        int t = piece >> 1;
        if (t < mine) {
            int start = u.kvStart + (warp + t * WARPS) * TILE;
            u32 target = ring + piece % SLOTS * SLOT;
            if (piece & 1) {
                copyTile<V_CHUNKS, V_PITCH>(p, policy, target, (u64)p.v, V_SEGMENTS, p.vPageStride, p.vTokenStride, vHead, id, start, u.kvEnd);
                id = idAhead;
                idAhead = pageId(p, pages, start + 2 * WARPS * TILE, u.kvEnd);
            } else {
                copyTile<K_CHUNKS, K_PITCH>(p, policy, target, (u64)p.k, K_SEGMENTS, p.kPageStride, p.kTokenStride, kHead, id, start, u.kvEnd);
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
    const float scale = scaleOf(p, u.kvHead) * (modified ? 1 : LOG2E);
    const int rows = min(ROWS, u.qoLen * p.groupSize - u.firstRow);

    // q in the layout of the second operand: row lane / 4, columns in pairs. Rows beyond the tile's are zero.
    u32 q[TILES8][K_STEPS][2];
#pragma unroll
    for (int n = 0; n < TILES8; n++) {
        int r = n * 8 + lane / 4;
        int at = u.firstRow + (r < rows ? r : 0);
        int head = u.kvHead * p.groupSize + at % p.groupSize;
        const u32* from = (const u32*)((const u16*)p.q + (u.row + at / p.groupSize) * p.qRowStride + head * p.qHeadStride);
#pragma unroll
        for (int k = 0; k < K_STEPS; k++) {
            q[n][k][0] = r < rows ? from[k * 8 + lane % 4] : 0;
            q[n][k][1] = r < rows ? from[k * 8 + 4 + lane % 4] : 0;
        }
    }

    float top[TILES8][2];
    float sum[TILES8][2];
    float o[TILES8][V_STEPS][4];
#pragma unroll
    for (int n = 0; n < TILES8; n++) {
#pragma unroll
        for (int j = 0; j < 2; j++) {
            top[n][j] = NEG_INF;
            sum[n][j] = 0;
        }
#pragma unroll
        for (int m = 0; m < V_STEPS; m++) {
#pragma unroll
            for (int i = 0; i < 4; i++) o[n][m][i] = 0;
        }
    }

    for (int t = 0; t < mine; t++) {
        arrive<SLOTS - 1>();
        __syncwarp();
        u32 slot = ring + 2 * t % SLOTS * SLOT;
        float s[TILES8][4];
#pragma unroll
        for (int n = 0; n < TILES8; n++) {
#pragma unroll
            for (int i = 0; i < 4; i++) s[n][i] = 0;
        }
#pragma unroll
        for (int k = 0; k < K_STEPS; k++) {
            u32 a[4];
            matrices(a, slot + pieceAt<K_PITCH>(lane % 16, k * 2 + lane / 16));
#pragma unroll
            for (int n = 0; n < TILES8; n++) multiply(s[n], a, q[n][k]);
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
        for (int n = 0; n < TILES8; n++) {
#pragma unroll
            for (int i = 0; i < 4; i++) {
                const int token = start + lane / 4 + (i >= 2 ? 8 : 0);
                s[n][i] *= scale;
                bool seen = whole || token < u.kvEnd;
#if GENERAL
                const int r = n * 8 + lane % 4 * 2 + (i & 1);
                const int at = u.firstRow + (r < rows ? r : 0);
                const int position = u.kvLen - u.qoLen + at / p.groupSize;
                if (modified) {
                    if (p.softCap != 0) s[n][i] = p.softCap * tanhAccurate(s[n][i] / p.softCap);
                    if (p.slopes) {
                        s[n][i] += p.slopes[(u.kvHead * p.groupSize + at % p.groupSize) * p.slopeStride] * (float)(token - position);
                    }
                    s[n][i] *= LOG2E;
                }
                const bool visible =
                    (!p.causal || token <= position) && (p.windowLeft < 0 || token >= position - p.windowLeft);
                hidden = hidden || (seen && !visible);
                seen = seen && visible;
#endif
                s[n][i] = seen ? s[n][i] : NEG_INF;
                raise = raise || s[n][i] > top[n][i & 1] + 8;
            }
        }
        if (__any_sync(~0u, raise)) {
#pragma unroll
            for (int n = 0; n < TILES8; n++) {
#pragma unroll
                for (int j = 0; j < 2; j++) {
                    float high = fmaxf(s[n][j], s[n][j + 2]);
#pragma unroll
                    for (int d = 4; d < 32; d <<= 1) high = fmaxf(high, __shfl_xor_sync(~0u, high, d));
                    high = fmaxf(high, top[n][j]);
                    float shrink = top[n][j] == NEG_INF ? 0 : exp2Fast(top[n][j] - high);
                    top[n][j] = high;
                    sum[n][j] *= shrink;
#pragma unroll
                    for (int m = 0; m < V_STEPS; m++) {
                        o[n][m][j] *= shrink;
                        o[n][m][j + 2] *= shrink;
                    }
                }
            }
        }
        u32 w[TILES8][2];
#pragma unroll
        for (int n = 0; n < TILES8; n++) {
            float e[4];
#pragma unroll
            for (int i = 0; i < 4; i++) {
                float high = top[n][i & 1];
                e[i] = exp2Fast(s[n][i] - (high == NEG_INF ? 0 : high));
                sum[n][i & 1] += e[i];
            }
            w[n][0] = transposed(pack(e[0], e[1]));
            w[n][1] = transposed(pack(e[2], e[3]));
        }
        arrive<SLOTS - 1>();
        __syncwarp();
        slot = ring + (2 * t + 1) % SLOTS * SLOT;
#if GENERAL
        if (__any_sync(~0u, hidden) && hasOddities<V_STEPS, V_PITCH>(slot)) {
            // A weight of zero does not stop NaN: rows one by one, each with what it does not see cleared.
#pragma unroll
            for (int n = 0; n < TILES8; n++) {
#pragma unroll 1
                for (int r = 0; r < 8; r++) {
                    const int owner = lane % 4 == r / 2;
                    u32 low = __ballot_sync(~0u, owner && (r & 1 ? s[n][1] : s[n][0]) != NEG_INF) >> r / 2;
                    u32 high = __ballot_sync(~0u, owner && (r & 1 ? s[n][3] : s[n][2]) != NEG_INF) >> r / 2;
                    const int at = lane % 4 * 8; // of the two tokens that this lane holds, among bits 4 apart
                    const u32 keep[2] = {(low >> at & 1 ? 0xffffu : 0) | (low >> at & 16 ? 0xffff0000u : 0),
                        (high >> at & 1 ? 0xffffu : 0) | (high >> at & 16 ? 0xffff0000u : 0)};
                    const u32 own[2] = {lane / 4 == r ? w[n][0] : 0, lane / 4 == r ? w[n][1] : 0};
#pragma unroll
                    for (int m = 0; m < V_STEPS; m++) {
                        u32 a[4];
                        matricesTransposed(a, slot + pieceAt<V_PITCH>(lane % 8 + lane / 16 * 8, m * 2 + lane / 8 % 2));
                        a[0] &= keep[0];
                        a[1] &= keep[0];
                        a[2] &= keep[1];
                        a[3] &= keep[1];
                        float c[4] = {0, 0, 0, 0};
                        multiply(c, a, own);
                        if (owner) {
                            o[n][m][0] += r & 1 ? 0 : c[0];
                            o[n][m][1] += r & 1 ? c[1] : 0;
                            o[n][m][2] += r & 1 ? 0 : c[2];
                            o[n][m][3] += r & 1 ? c[3] : 0;
                        }
                    }
                }
            }
        } else
#endif
        {
#pragma unroll
            for (int m = 0; m < V_STEPS; m++) {
                u32 a[4];
                matricesTransposed(a, slot + pieceAt<V_PITCH>(lane % 8 + lane / 16 * 8, m * 2 + lane / 8 % 2));
#pragma unroll
                for (int n = 0; n < TILES8; n++) multiply(o[n][m], a, w[n]);
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
    for (int n = 0; n < TILES8; n++) {
#pragma unroll
        for (int j = 0; j < 2; j++) {
            int r = n * 8 + lane % 4 * 2 + j;
#pragma unroll
            for (int d = 4; d < 32; d <<= 1) sum[n][j] += __shfl_xor_sync(~0u, sum[n][j], d);
            float* state = states + (warp * ROWS + r) * STATE_PITCH;
#pragma unroll
            for (int m = 0; m < V_STEPS; m++) {
                state[m * 16 + lane / 4] = o[n][m][j];
                state[m * 16 + 8 + lane / 4] = o[n][m][j + 2];
            }
            if (lane < 4) {
                tops[warp * ROWS + r] = top[n][j];
                sums[warp * ROWS + r] = sum[n][j];
            }
        }
    }
    __syncthreads();

    conclude<ROWS, STATE_PITCH>(p, u, rows, states, tops, sums);
}
