// Tiles of K and V in shared memory for CUDA cores: their layout, conversions to f32, copies, scores.

#ifndef CTAS
#define CTAS 1
#endif
#ifndef SLICES
#define SLICES 8
#endif
template <int TYPE> struct Type { static const int BYTES = TYPE == F32 ? 4 : TYPE == F16 || TYPE == BF16 ? 2 : 1; };

static const int KV_BYTES = Type<KV_TYPE>::BYTES;
static const int CHUNK = KV_BYTES == 4 ? 4 : 8;             // elements that one load of a lane takes
static const int CHUNK_BYTES = CHUNK * KV_BYTES;            // 16, or 8 for one-byte types
static const int K_CHUNKS = DIM_QK / CHUNK;
static const int V_CHUNKS = DIM_VO / CHUNK;
static const int K_ROW = DIM_QK * KV_BYTES;                 // bytes of a token in shared memory
static const int V_ROW = DIM_VO * KV_BYTES;
static const int SLOT = TILE * (K_ROW > V_ROW ? K_ROW : V_ROW);
static const int P_PITCH = (ROWS + 3) / 4 * 4;
static const int K_STEPS = (K_CHUNKS + SLICES - 1) / SLICES; // chunks of one slice
static const int GROUPS = 32 / SLICES;
static const int TOKENS = TILE / GROUPS;                     // that a lane scores in its slice
static const int STEPS_AT_ONCE = ROWS > 5 ? 1 : 2;
static const int Q_PITCH = K_STEPS * SLICES * CHUNK;        // q is zero beyond DIM_QK
static const int LANES = V_CHUNKS >= 32 ? 32 : V_CHUNKS > 16 ? 32 : V_CHUNKS > 8 ? 16 : V_CHUNKS > 4 ? 8 : V_CHUNKS > 2 ? 4 : V_CHUNKS > 1 ? 2 : 1;
static const int TOKEN_PARTS = 32 / LANES;
static_assert(TOKEN_PARTS <= TILE, "a short head dim needs a tile of 32");
static const int CHUNKS_PER_LANE = (V_CHUNKS + 31) / 32;
static const int WARP_BYTES = SLOTS * SLOT + TILE * P_PITCH * 4;
#define EXACT (KV_TYPE == F32)
// The weight of a token that a row does not see: unlike a weight too small for a float, not even NaN passes it.
#define UNSEEN (-0.0f)

// Rows of shared memory are permuted so that the lanes of one phase of a load meet different banks: a phase is 128
// bytes, SLICES chunks each of one or more tokens.
template <int CHUNKS> __device__ __forceinline__ int swizzle(int token) {
    const int PHASE = 128 / CHUNK_BYTES;           // chunks of a phase
    const int TOKENS = PHASE > SLICES ? PHASE / SLICES : 1;
    return TOKENS > 1 && CHUNKS % PHASE == 0 ? (token & (TOKENS - 1)) * SLICES : 0;
}

__device__ __forceinline__ void halvesToFloats(u32 pair, float& low, float& high) {
    asm("{.reg .f16 a, b; mov.b32 {a, b}, %2; cvt.f32.f16 %0, a; cvt.f32.f16 %1, b;}"
        : "=f"(low), "=f"(high) : "r"(pair));
}

// Two e4m3 as two f16. Every e4m3 value is an f16 value.
__device__ __forceinline__ u32 e4m3ToHalves(u32 pair) {
    u32 y;
#if __CUDA_ARCH__ >= 890
    asm("{.reg .b16 a; cvt.u16.u32 a, %1; cvt.rn.f16x2.e4m3x2 %0, a;}" : "=r"(y) : "r"(pair));
#else
    // Sign and magnitude at the places that f16 has them, 2^8 too small; all-ones is NaN.
    u32 spread = (pair & 0xff) | (pair & 0xff00) << 8;
    u32 bits = (spread & 0x00800080) << 8 | (spread & 0x007f007f) << 7;
    asm("{.reg .b32 f; mov.b32 f, 0x5c005c00; mul.rn.f16x2 %0, %1, f;}" : "=r"(y) : "r"(bits));
    if ((spread & 0x7f) == 0x7f) y |= 0x7fff;
    if ((spread & 0x7f0000) == 0x7f0000) y |= 0x7fff0000;
#endif
    return y;
}

// One chunk of K or V as it lies in shared memory.
struct Chunk {
    u32 w[KV_BYTES == 1 ? 2 : 4];

    __device__ __forceinline__ void load(u32 address) {
        if (KV_BYTES == 1) {
            asm volatile("ld.shared.v2.u32 {%0, %1}, [%2];" : "=r"(w[0]), "=r"(w[1]) : "r"(address));
        } else {
            asm volatile("ld.shared.v4.u32 {%0, %1, %2, %3}, [%4];"
                : "=r"(w[0]), "=r"(w[1]), "=r"(w[2 % (CHUNK_BYTES / 4)]), "=r"(w[3 % (CHUNK_BYTES / 4)]) : "r"(address));
        }
    }

    __device__ __forceinline__ void clear() {
#pragma unroll
        for (int i = 0; i < CHUNK_BYTES / 4; i++) w[i] = 0;
    }

    // Elements e .. e + 3 as floats.
    __device__ __forceinline__ void floats(int e, float (&x)[4]) const {
        if (KV_TYPE == F32) {
#pragma unroll
            for (int i = 0; i < 4; i++) x[i] = __int_as_float((int)w[i % (CHUNK_BYTES / 4)]);
        } else if (KV_BYTES == 2) {
#pragma unroll
            for (int i = 0; i < 4; i += 2) {
                u32 pair = w[(e + i) / 2 % (CHUNK_BYTES / 4)];
                if (KV_TYPE == BF16) {
                    x[i] = __int_as_float((int)(pair << 16));
                    x[i + 1] = __int_as_float((int)(pair & 0xffff0000));
                } else {
                    halvesToFloats(pair, x[i], x[i + 1]);
                }
            }
        } else {
            u32 four = w[e / 4];
            if (KV_TYPE == INT8) {
                four ^= 0x80808080; // 2^23 + 128 + value, as a bit pattern
                x[0] = __int_as_float((int)__byte_perm(four, 0x4b000000, 0x7440)) - 8388736.0f;
                x[1] = __int_as_float((int)__byte_perm(four, 0x4b000000, 0x7441)) - 8388736.0f;
                x[2] = __int_as_float((int)__byte_perm(four, 0x4b000000, 0x7442)) - 8388736.0f;
                x[3] = __int_as_float((int)__byte_perm(four, 0x4b000000, 0x7443)) - 8388736.0f;
            } else if (KV_TYPE == E5M2) { // the upper byte of an f16
                halvesToFloats(__byte_perm(four, 0, 0x1404), x[0], x[1]);
                halvesToFloats(__byte_perm(four, 0, 0x3424), x[2], x[3]);
            } else {
                halvesToFloats(e4m3ToHalves(four), x[0], x[1]);
                halvesToFloats(e4m3ToHalves(four >> 16), x[2], x[3]);
            }
        }
    }
};

struct Copier {
    const Params& p;
    u64 policy;
    int lane;

    __device__ __forceinline__ Copier(const Params& params, int lane) : p(params), policy(evictFirst()), lane(lane) {}

    // Copies one tile of K or V; lane = token computes where its row begins. Tokens past the end become zeros, so
    // that what lies in unused slots never meets a number.
    template <int ROW, int CHUNKS>
    __device__ __forceinline__ void tile(u32 target, u64 base, const u64* segments, long long pageStride,
            long long tokenStride, long long headOffset, int id, int start, int end) const {
        const int WIDE = ROW % 16 == 0 ? 16 : 8;
        const int PIECES = ROW / WIDE;
        const u64 row = rowOf(p, base, segments, pageStride, tokenStride, headOffset, id, start, end);
        int count = end - start;
        if (PIECES % 32 == 0 || (32 % PIECES == 0 && 32 / PIECES <= TILE)) {
            const int PER_ROW = PIECES >= 32 ? 1 : 32 / PIECES; // rows that the warp copies at once
            int piece = lane % PIECES;
            int sub = lane / (PIECES >= 32 ? 32 : PIECES);
#pragma unroll
            for (int i = 0; i < TILE; i += PER_ROW) {
                int t = i + sub;
                u64 from = __shfl_sync(~0u, row, t);
#pragma unroll
                for (int c = 0; c < PIECES; c += 32) {
                    piece_<ROW, CHUNKS, WIDE>(target, from, t, piece + c, t < count);
                }
            }
        } else {
            for (int i = lane; i - lane < TILE * PIECES; i += 32) {
                int t = min(i / PIECES, TILE - 1);
                u64 from = __shfl_sync(~0u, row, t);
                if (i < TILE * PIECES) piece_<ROW, CHUNKS, WIDE>(target, from, t, i % PIECES, t < count);
            }
        }
    }

    template <int ROW, int CHUNKS, int WIDE>
    __device__ __forceinline__ void piece_(u32 target, u64 from, int t, int piece, bool inside) const {
        int at = piece * WIDE;
        int swizzled = at ^ swizzle<CHUNKS>(t) * CHUNK_BYTES;
        u32 to = target + t * ROW + swizzled;
        if (WIDE == 16) {
            copy16(p, policy, to, from + at, inside);
        } else {
            int bytes = inside ? 8 : 0;
            asm volatile("cp.async.ca.shared.global [%0], [%1], 8, %2;" :: "r"(to), "l"(from + at), "r"(bytes));
        }
    }
};

// Where q's element `e` of chunk `c` lies in a row: lanes of different slices meet different banks.
__device__ __forceinline__ int qAt(int c, int e) { return (e / 4 * (K_STEPS * SLICES) + c) * 4 + e % 4; }

// The token whose scores a lane has in the end. With a tile of 16 two lanes have the same.
__device__ __forceinline__ int tokenOf(int lane) { return lane / SLICES + GROUPS * (lane % SLICES / (SLICES / TOKENS)); }

// Scores of a tile: afterwards s[r] is row r's score of token tokenOf(lane); for f32 inputs, s[r] + rest[r].

__device__ __forceinline__ void scores(u32 tile, u32 q, int lane, float (&s)[ROWS], float (&rest)[ROWS]) {
    const int slice = lane % SLICES;
    const int group = lane / SLICES;
    float sum[TOKENS][ROWS];
#pragma unroll
    for (int j = 0; j < TOKENS; j++) {
#pragma unroll
        for (int r = 0; r < ROWS; r++) sum[j][r] = 0;
    }
    u32 row = tile + group * K_ROW;
    const int permuted = swizzle<K_CHUNKS>(group);
#pragma unroll STEPS_AT_ONCE
    for (int step = 0; step < K_STEPS; step++) {
        int c = slice + step * SLICES;
        bool inside = K_CHUNKS % SLICES == 0 || c < K_CHUNKS;
        int at = (inside ? c ^ permuted : 0) * CHUNK_BYTES;
        Chunk k[TOKENS];
#pragma unroll
        for (int j = 0; j < TOKENS; j++) {
            k[j].load(row + j * GROUPS * K_ROW + at);
            if (!inside) k[j].clear(); // q is zero here, but 0 × NaN is not
        }
#pragma unroll
        for (int e = 0; e < CHUNK; e += 4) {
            float x[TOKENS][4];
#pragma unroll
            for (int j = 0; j < TOKENS; j++) k[j].floats(e, x[j]);
#pragma unroll
            for (int r = 0; r < ROWS; r++) {
                float y[4];
                asm volatile("ld.shared.v4.f32 {%0, %1, %2, %3}, [%4];"
                    : "=f"(y[0]), "=f"(y[1]), "=f"(y[2]), "=f"(y[3]) : "r"(q + (r * Q_PITCH + qAt(c, e)) * 4));
#pragma unroll
                for (int j = 0; j < TOKENS; j++) {
#pragma unroll
                    for (int i = 0; i < 4; i++) sum[j][r] = fmaf(x[j][i], y[i], sum[j][r]);
                }
            }
        }
    }
    // The sum over the slices. While a lane has several tokens it gives half of them away; the levels that are left add
    // one token up in both lanes.
#pragma unroll
    for (int r = 0; r < ROWS; r++) {
#pragma unroll
        for (int d = SLICES / 2; d > 0; d /= 2) {
            const int left = TOKENS * d / SLICES; // tokens that a lane keeps; 0: it has only one
            bool upper = left > 0 && slice & d;
#pragma unroll
            for (int j = 0; j < (left > 0 ? left : 1); j++) {
                float give = left > 0 && !upper ? sum[(j + left) % TOKENS][r] : sum[j][r];
                float keep = upper ? sum[(j + left) % TOKENS][r] : sum[j][r];
                float got = __shfl_xor_sync(~0u, give, d);
                sum[j][r] = keep + got;
                if (EXACT && d == 1) { // what the last sum, the largest, rounds away (Knuth's two-sum)
                    float part = sum[j][r] - keep;
                    rest[r] = (keep - (sum[j][r] - part)) + (got - part);
                }
            }
        }
        s[r] = sum[0][r];
    }
}
