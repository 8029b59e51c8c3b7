// Decode and append on tensor cores, for one shape. common.cu precedes it; no header is needed to compile it.
//
// One CTA owns one work unit: the rows of one tile (query rows × query heads of one KV head, up to ROWS) against one range
// of KV tokens. Teams of ROWS / 8 warps have a ring of their own in shared memory and walk over tiles of 16 tokens; a warp
// has eight of the rows, and no barrier of the CTA is needed in the loop. Scores are computed transposed, S^T = K q^T, so
// that eight rows fill the N of the matrix instruction and no group size is padded to sixteen; O^T = V^T P^T takes the
// weights from the scores' registers by one transposition. The softmax is Milakov & Gimelshein's online one in base 2; the
// maximum is only raised when a score exceeds it by 8. K and V of one byte become f16, exactly, between shared memory and
// the matrix instruction.
//
// Set by the specialisation: ROWS (a multiple of 8), DIM_QK, DIM_VO (multiples of 16), KV_TYPE, WARPS, CTAS, SLOTS, CLUSTER,
// GENERAL.

#define BYTES (KV_TYPE >= E4M3) // K and V of one byte

static const int TEAM = ROWS / 8;                            // warps that share a ring
static const int TEAMS = WARPS / TEAM;
static const int TILE = 16;                                  // tokens
static const int PIECE = BYTES ? 16 : 8;                     // elements of 16 bytes
static const int K_PIECES = DIM_QK / PIECE;
static const int V_PIECES = DIM_VO / PIECE;
static const int K_PITCH = K_PIECES % 8 == 0 ? K_PIECES : K_PIECES | 1; // odd pitches need no permutation
static const int V_PITCH = V_PIECES % 8 == 0 ? V_PIECES : V_PIECES | 1;
static const int SLOT = TILE * 16 * (K_PITCH > V_PITCH ? K_PITCH : V_PITCH);
static const int K_STEPS = DIM_QK / 16;
static const int V_STEPS = DIM_VO / 16;
static const int STEPS = BYTES ? 2 : 1;                      // of 16 elements, in what four matrices hold
static const int STATE_PITCH = DIM_VO + 4;
static const int LIFT = KV_TYPE == BF16 ? 0 : 7;             // weights are f16: so much higher, small ones still count

template <int PITCH> __device__ __forceinline__ u32 pieceAt(int token, int piece) {
    return (token * PITCH + (PITCH % 8 == 0 ? piece ^ (token & 7) : piece)) * 16;
}

// Copies a team's tile of K or V; lane = token computes where its row begins. Tokens past the end become zeros, so that
// what lies in unused slots never meets a number.
template <int PIECES, int PITCH>
__device__ __forceinline__ void copyTile(const Params& p, u64 policy, u32 target, u64 base, const u64* segments,
        long long pageStride, long long tokenStride, long long headOffset, int id, int start, int end) {
    const int thread = threadIdx.x % (TEAM * 32);
    const u64 row = rowOf(p, base, segments, pageStride, tokenStride, headOffset, id, start, end);
#pragma unroll
    for (int i = 0; i < TILE * PIECES; i += TEAM * 32) {
        int t = (i + thread) / PIECES;
        int piece = (i + thread) % PIECES;
        u64 from = __shfl_sync(~0u, row, t & 15) + piece * 16;
        if (TILE * PIECES % (TEAM * 32) == 0 || t < TILE) {
            copy16(p, policy, target + pieceAt<PITCH>(t, piece), from, t < end - start);
        }
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

#if BYTES
// Four bytes become two pairs of f16. Exact: f16 has every value of e4m3, e5m2 and int8.
__device__ __forceinline__ void widen(u32 bytes, u32& low, u32& high) {
#if KV_TYPE == E4M3 && __CUDA_ARCH__ >= 890
    asm("{.reg .b16 l, h; mov.b32 {l, h}, %2; cvt.rn.f16x2.e4m3x2 %0, l; cvt.rn.f16x2.e4m3x2 %1, h;}"
        : "=r"(low), "=r"(high) : "r"(bytes));
#elif KV_TYPE == E4M3
    u32 spread[2] = {__byte_perm(bytes, 0, 0x1404), __byte_perm(bytes, 0, 0x3424)}; // bytes on top of their half
#pragma unroll
    for (int i = 0; i < 2; i++) {
        u32 magnitude = spread[i] >> 1 & 0x3f803f80;
        u32 nan = magnitude + 0x00800080 & 0x40004000; // all seven bits are set
        asm("mul.rn.f16x2 %0, %0, %1;" : "+r"(magnitude) : "r"(0x5c005c00)); // 256: the difference of the biases
        spread[i] = spread[i] & 0x80008000 | magnitude | (nan << 1) - (nan >> 14);
    }
    low = spread[0];
    high = spread[1];
#elif KV_TYPE == E5M2
    low = __byte_perm(bytes, 0, 0x1404);
    high = __byte_perm(bytes, 0, 0x3424);
#else
    bytes ^= 0x80808080;
    low = __byte_perm(bytes, 0x64646464, 0x4140); // 1024 + 128 + value
    high = __byte_perm(bytes, 0x64646464, 0x4342);
    asm("sub.rn.f16x2 %0, %0, %1;" : "+r"(low) : "r"(0x64806480));
    asm("sub.rn.f16x2 %0, %0, %1;" : "+r"(high) : "r"(0x64806480));
#endif
}
#endif

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

__device__ __forceinline__ u32 keysAt(int k) {
    const int lane = threadIdx.x & 31;
    return pieceAt<K_PITCH>(lane % 16, min(k * 2 / STEPS + lane / 16, K_PIECES - 1));
}

__device__ __forceinline__ u32 valuesAt(int m) {
    const int lane = threadIdx.x & 31;
    return pieceAt<V_PITCH>(lane % 8 + lane / 16 * 8, min(m * 2 / STEPS + lane / 8 % 2, V_PIECES - 1));
}

// Whether a tile of V holds NaN or infinity: exponents that are all ones.
__device__ __forceinline__ bool hasOddities(u32 slot) {
    const u32 EXPONENT = KV_TYPE == BF16 ? 0x7f80 : 0x7c00;
    bool odd = false;
#pragma unroll
    for (int m = 0; m < V_STEPS; m += STEPS) {
        u32 x[4];
        matricesTransposed(x, slot + valuesAt(m));
#pragma unroll
        for (int step = 0; step < STEPS; step++) {
            u32 a[4];
            values(a, x, step);
#pragma unroll
            for (int i = 0; i < 4; i++) {
                odd = odd || (a[i] & EXPONENT) == EXPONENT || (a[i] >> 16 & EXPONENT) == EXPONENT;
            }
        }
    }
    return __any_sync(~0u, odd);
}

// q in the layout of the second operand: this warp's row lane / 4, columns in pairs; a row that does not exist is zero.
// Returns what the row has been divided by: with K of one byte q is f16 too, and bf16 may be too large for that.
__device__ __forceinline__ float loadQuery(u32 (&q)[K_STEPS][2], const Params& p, const u16* row, bool exists) {
    const int column = (threadIdx.x & 3) * 2;
#if BYTES
    u32 highest = 0; // exponent
#pragma unroll
    for (int k = 0; k < K_STEPS; k++) {
        uint2 x = exists ? *(const uint2*)(row + k * 16 + column * 2) : make_uint2(0, 0);
        q[k][0] = x.x;
        q[k][1] = x.y;
        highest = max(max(highest, max(x.x & 0x7f80, x.x >> 16 & 0x7f80)), max(x.y & 0x7f80, x.y >> 16 & 0x7f80));
    }
    if (p.qType != BF16) return 1;
    highest = max(highest, __shfl_xor_sync(~0u, highest, 1));
    highest = max(highest, __shfl_xor_sync(~0u, highest, 2));
    const int shift = min(127 + 14 - (int)(highest >> 7), 126); // the largest becomes 2^14 and more
    const float factor = __int_as_float(127 + shift << 23);
#pragma unroll
    for (int k = 0; k < K_STEPS; k++) {
#pragma unroll
        for (int i = 0; i < 2; i++) {
            q[k][i] = pack(__int_as_float(q[k][i] << 16) * factor, __int_as_float(q[k][i] & 0xffff0000) * factor);
        }
    }
    return __int_as_float(127 - shift << 23);
#else
#pragma unroll
    for (int k = 0; k < K_STEPS; k++) {
        q[k][0] = exists ? *(const u32*)(row + k * 16 + column) : 0;
        q[k][1] = exists ? *(const u32*)(row + k * 16 + 8 + column) : 0;
    }
    return 1;
#endif
}

#if CLUSTER > 1
extern "C" __global__ void __cluster_dims__(CLUSTER, 1, 1) __launch_bounds__(WARPS * 32, CTAS) heddle_decode
#else
extern "C" __global__ void __launch_bounds__(WARPS * 32, CTAS) heddle_decode
#endif
(const __grid_constant__ Params p) {
    const int lane = threadIdx.x & 31;
    const int team = threadIdx.x / (TEAM * 32);
    const int own = threadIdx.x / 32 % TEAM * 8; // the first of this warp's rows
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

    auto teamBarrier = [&]() {
        if (TEAM == 1) {
            __syncwarp();
        } else {
            asm volatile("bar.sync %0, %1;" :: "r"(team + 1), "n"(TEAM * 32) : "memory");
        }
    };
    const int tiles = (u.kvEnd - u.kvStart + TILE - 1) / TILE;
    const int mine = tiles > team ? (tiles - team + TEAMS - 1) / TEAMS : 0;
    int id = pageId(p, pages, u.kvStart + team * TILE, u.kvEnd);
    int idAhead = pageId(p, pages, u.kvStart + (team + TEAMS) * TILE, u.kvEnd);
    auto fetch = [&](int piece) {
        int t = piece >> 1;
        if (t < mine) {
            int start = u.kvStart + (team + t * TEAMS) * TILE;
            u32 target = ring + piece % SLOTS * SLOT;
            if (piece & 1) {
                copyTile<V_PIECES, V_PITCH>(p, policy, target, (u64)p.v, V_SEGMENTS, p.vPageStride, p.vTokenStride, vHead, id, start, u.kvEnd);
                id = idAhead;
                idAhead = pageId(p, pages, start + 2 * TEAMS * TILE, u.kvEnd);
            } else {
                copyTile<K_PIECES, K_PITCH>(p, policy, target, (u64)p.k, K_SEGMENTS, p.kPageStride, p.kTokenStride, kHead, id, start, u.kvEnd);
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
        int r = own + lane / 4;
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
        teamBarrier();
        u32 slot = ring + 2 * t % SLOTS * SLOT;
        float s[4] = {0, 0, 0, 0};
        float odd[4] = {0, 0, 0, 0}; // every other step: half the chain of dependent instructions
#pragma unroll
        for (int k = 0; k < K_STEPS; k += STEPS) {
            u32 x[4];
            matrices(x, slot + keysAt(k));
#pragma unroll
            for (int step = 0; step < STEPS && k + step < K_STEPS; step++) {
                u32 a[4];
                keys(a, x, step);
                multiply((k + step) % 2 ? odd : s, a, q[k + step]);
            }
        }
        teamBarrier();
        fetch(2 * t + SLOTS);

        const int start = u.kvStart + (team + t * TEAMS) * TILE;
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
            const int r = own + lane % 4 * 2 + (i & 1);
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
        teamBarrier();
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
                    matricesTransposed(x, slot + valuesAt(m));
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
                matricesTransposed(x, slot + valuesAt(m));
#pragma unroll
                for (int step = 0; step < STEPS && m + step < V_STEPS; step++) {
                    u32 a[4];
                    values(a, x, step);
                    multiply(o[m + step], a, w);
                }
            }
        }
        teamBarrier();
        fetch(2 * t + 1 + SLOTS);
    }

    // One state per team, in the place of the rings: [TEAMS][ROWS][STATE_PITCH], then maxima and sums.
    arrive<0>();
    __syncthreads();
    float* states = (float*)shared;
    float* tops = states + TEAMS * ROWS * STATE_PITCH;
    float* sums = tops + TEAMS * ROWS;
#pragma unroll
    for (int j = 0; j < 2; j++) {
        int r = team * ROWS + own + lane % 4 * 2 + j;
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

    conclude<TEAMS, ROWS, STATE_PITCH>(p, u, rows, states, tops, sums);
}
