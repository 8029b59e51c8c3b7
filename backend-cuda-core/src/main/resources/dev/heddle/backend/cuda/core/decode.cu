// Decode and short append on CUDA cores, for one shape. Self-contained: no header is needed to compile it.
//
// One CTA owns one work unit: the rows of one tile (query rows × query heads of one KV head) against one range of
// KV tokens. Each warp has a ring of its own in shared memory and walks over tiles of 32 tokens; no barrier is
// needed in the loop. K and V are read once for all rows of the tile.
//   scores: lane = (token group) × (one of SLICES slices of the head dim); a thread holds SLICES tokens × all rows, so
//           that each value of q loaded serves SLICES tokens. The sum over slices is a reduce-scatter of SLICES - 1
//           shuffles per row and 32 tokens, and lane = token afterwards.
//   output: lane = chunk of the head dim (× part of the tokens); p is broadcast from shared memory.
// The softmax is Milakov & Gimelshein's online one in base 2; the maximum is only raised when a score exceeds it by 8
// (exp2 of it stays far from overflow), which leaves one vote per tile in the common case.
//
// Set by the specialisation: ROWS (rows of a tile), DIM_QK, DIM_VO, KV_TYPE, WARPS, CTAS (per multiprocessor), SLOTS
// (tiles of K or V in a warp's ring), TILE (tokens of a tile, 16 or 32), SLICES,
// and GENERAL: whether there may be masks, a soft cap, ALiBi, scales per head, or a cache in several segments.

#define F32 0
#define F16 1
#define BF16 2
#define E4M3 3
#define E5M2 4
#define INT8 5

#ifndef CTAS
#define CTAS 1
#endif
#ifndef SLICES
#define SLICES 8
#endif
#if GENERAL
#define K_SEGMENTS p.kSegments
#define V_SEGMENTS p.vSegments
#else
#define K_SEGMENTS (const u64*)0
#define V_SEGMENTS (const u64*)0
#endif

typedef unsigned int u32;
typedef unsigned long long u64;
typedef unsigned short u16;
typedef unsigned char u8;

struct Unit {
    int row;        // first query row of the request in q
    int qoLen;      // query rows of the request
    int kvLen;      // KV tokens of the request
    int pages;      // index of its first page id
    int kvHead;
    int firstRow;   // first row of the tile: query row * group size + head in the group
    int kvStart;    // range of tokens
    int kvEnd;
    int part;       // which part of the tile's range this is
    int parts;      // how many there are; 1 writes the result itself
    int slot;       // where the tile's parts begin in the workspace
    int counter;    // counts the parts that have arrived; -1: no work, a place kept for a later schedule
};

// The one kernel argument. KernelArguments.java writes it: keep the two in step.
struct Params {
    const void* q;
    const void* k;
    const void* v;
    void* out;
    float* lse;                 // null: not asked for
    const float* sinks;         // null: none
    const float* slopes;
    const Unit* units;
    const int* pages;
    float* partials;            // [slots][STATE]: normalised output [ROWS][DIM_VO], then LSE in base 2 [ROWS]
    u32* arrived;               // zero between launches
    long long qRowStride;       // elements
    long long qHeadStride;
    long long outRowStride;
    long long outHeadStride;
    long long lseRowStride;
    long long lseHeadStride;
    long long sinkStride;
    long long slopeStride;
    long long kPageStride;      // bytes
    long long kTokenStride;
    long long kHeadStride;
    long long vPageStride;
    long long vTokenStride;
    long long vHeadStride;
    float smScale;
    float softCap;
    float kScale;
    float vScale;
    int windowLeft;             // -1: none
    int causal;
    int groupSize;
    int pageSize;
    int pagesPerSegment;        // 0: one segment
    int evictFirst;             // what is read once should not push out what is read again
    int qType;
    int outType;
#if GENERAL
    int headScales;             // whether the two tables hold the scales, and not kScale and vScale
    int padding;
    float kScales[MAX_HEADS];
    float vScales[MAX_HEADS];
    u64 kSegments[MAX_SEGMENTS];
    u64 vSegments[MAX_SEGMENTS];
#endif
};

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
static const int STATE = ROWS * DIM_VO + (ROWS + 3) / 4 * 4; // floats of a part in the workspace
static const int MERGED = 8;                                // parts whose loads are under way at once in a merge
static const float LOG2E = 1.4426950408889634f;
#define NEG_INF (-__int_as_float(0x7f800000))
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

__device__ __forceinline__ float exp2Fast(float x) {
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

// Good to a few units in the last place; near zero by its series, where 1 - 2 / (exp(2x) + 1) loses all digits.
__device__ __forceinline__ float tanhAccurate(float x) {
    float square = x * x;
    float series = fmaf(square, 21844.0f / 6081075, -1382.0f / 155925);
    series = fmaf(square, series, 62.0f / 2835);
    series = fmaf(square, series, -17.0f / 315);
    series = fmaf(square, series, 2.0f / 15);
    series = fmaf(square, series, -1.0f / 3);
    series = fmaf(x * square, series, x);
    float far = 1 - 2 / (exp2Fast(2 * LOG2E * fabsf(x)) + 1);
    return x != x || square < 0.2f ? series : copysignf(far, x);
}

__device__ __forceinline__ float halfToFloat(u16 bits) {
    float y;
    asm("{.reg .f16 h; mov.b16 h, %1; cvt.f32.f16 %0, h;}" : "=f"(y) : "h"(bits));
    return y;
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

__device__ __forceinline__ float load(int type, const void* base, long long index) {
    if (type == F32) return ((const float*)base)[index];
    u16 bits = ((const u16*)base)[index];
    return type == BF16 ? __int_as_float((int)((u32)bits << 16)) : halfToFloat(bits);
}

// Four neighbours at once; 8 or 16 bytes aligned.
__device__ __forceinline__ void store(int type, void* base, long long index, float4 value) {
    if (type == F32) {
        *(float4*)((float*)base + index) = value;
        return;
    }
    uint2 pairs;
    if (type == BF16) {
        asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pairs.x) : "f"(value.y), "f"(value.x));
        asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pairs.y) : "f"(value.w), "f"(value.z));
    } else {
        asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(pairs.x) : "f"(value.y), "f"(value.x));
        asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(pairs.y) : "f"(value.w), "f"(value.z));
    }
    *(uint2*)((u16*)base + index) = pairs;
}

__device__ __forceinline__ float4 scaled(float4 x, float f) { return make_float4(x.x * f, x.y * f, x.z * f, x.w * f); }

__device__ __forceinline__ void add(float4& sum, float4 x, float f) {
    sum.x = fmaf(x.x, f, sum.x);
    sum.y = fmaf(x.y, f, sum.y);
    sum.z = fmaf(x.z, f, sum.z);
    sum.w = fmaf(x.w, f, sum.w);
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

    __device__ __forceinline__ Copier(const Params& params, int lane) : p(params), lane(lane) {
        asm("createpolicy.fractional.L2::evict_first.b64 %0, 1.0;" : "=l"(policy));
    }

    // Page id of token start + lane; asked for one tile ahead, since the answer takes as long as the data itself.
    __device__ __forceinline__ int pageId(const int* pages, int start, int end) const {
        int token = start + lane;
        return token < end ? pages[token / p.pageSize] : 0;
    }

    // Copies one tile of K or V; lane = token computes where its row begins. Tokens past the end become zeros, so
    // that what lies in unused slots never meets a number.
    template <int ROW, int CHUNKS>
    __device__ __forceinline__ void tile(u32 target, u64 base, const u64* segments, long long pageStride,
            long long tokenStride, long long headOffset, int id, int start, int end) const {
        const int WIDE = ROW % 16 == 0 ? 16 : 8;
        const int PIECES = ROW / WIDE;
        int token = start + lane;
        u64 row = base;
#if GENERAL
        if (p.pagesPerSegment > 0) {
            row = base + segments[id / p.pagesPerSegment];
            id = id % p.pagesPerSegment;
        }
#endif
        row += headOffset + (long long)id * pageStride + (long long)(token < end ? token % p.pageSize : 0) * tokenStride;
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
        int bytes = inside ? WIDE : 0;
        if (WIDE == 16) {
            if (p.evictFirst) {
                asm volatile("cp.async.cg.shared.global.L2::cache_hint [%0], [%1], 16, %2, %3;"
                    :: "r"(to), "l"(from + at), "r"(bytes), "l"(policy));
            } else {
                asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" :: "r"(to), "l"(from + at), "r"(bytes));
            }
        } else {
            asm volatile("cp.async.ca.shared.global [%0], [%1], 8, %2;" :: "r"(to), "l"(from + at), "r"(bytes));
        }
    }
};

__device__ __forceinline__ void commit() { asm volatile("cp.async.commit_group;"); }

template <int LEFT> __device__ __forceinline__ void arrive() { asm volatile("cp.async.wait_group %0;" :: "n"(LEFT)); }

extern __shared__ __align__(128) char shared[];

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

extern "C" __global__ void __launch_bounds__(WARPS * 32, CTAS) heddle_decode(const __grid_constant__ Params p) {
    const int lane = threadIdx.x & 31;
    const int warp = threadIdx.x >> 5;
    const Unit u = p.units[blockIdx.x];
    if (u.counter < 0) return;
    float* q = (float*)shared;
    u32 base = (u32)__cvta_generic_to_shared(shared);
    u32 ring = base + ROWS * Q_PITCH * 4 + warp * WARP_BYTES;
    u32 weights = ring + SLOTS * SLOT;
    const int* pages = p.pages + u.pages;
    const long long kHead = u.kvHead * p.kHeadStride;
    const long long vHead = u.kvHead * p.vHeadStride;
    Copier copier(p, lane);

    // Tiles of this warp: warp, warp + WARPS, ... The order of copies is K0 V0 K1 V1 ..., around the ring.
    const int tiles = (u.kvEnd - u.kvStart + TILE - 1) / TILE;
    const int mine = tiles > warp ? (tiles - warp + WARPS - 1) / WARPS : 0;
    int id = copier.pageId(pages, u.kvStart + warp * TILE, u.kvEnd);
    int idAhead = copier.pageId(pages, u.kvStart + (warp + WARPS) * TILE, u.kvEnd);
    auto fetch = [&](int piece) {
        int t = piece >> 1;
        if (t < mine) {
            int start = u.kvStart + (warp + t * WARPS) * TILE;
            u32 target = ring + piece % SLOTS * SLOT;
            if (piece & 1) {
                copier.tile<V_ROW, V_CHUNKS>(target, (u64)p.v, V_SEGMENTS, p.vPageStride, p.vTokenStride, vHead, id, start, u.kvEnd);
                id = idAhead;
                idAhead = copier.pageId(pages, start + 2 * WARPS * TILE, u.kvEnd);
            } else {
                copier.tile<K_ROW, K_CHUNKS>(target, (u64)p.k, K_SEGMENTS, p.kPageStride, p.kTokenStride, kHead, id, start, u.kvEnd);
            }
        }
        commit();
    };
#pragma unroll
    for (int piece = 0; piece < SLOTS; piece++) fetch(piece);

    // q, scaled for base 2, while the first tiles are under way.
#if GENERAL
    const bool modified = p.softCap != 0 || p.slopes;
    const float vScale = p.headScales ? p.vScales[u.kvHead] : p.vScale;
    float scale = p.smScale * (p.headScales ? p.kScales[u.kvHead] : p.kScale);
#else
    const bool modified = false;
    const float vScale = p.vScale;
    float scale = p.smScale * p.kScale;
#endif
    // A score × unit is the exponent in base 2. With f32 inputs q keeps its digits (only its sign may change), since a
    // product rounded once more would be the largest error of all; with shorter types everything is folded into q.
    const float sign = scale < 0 ? -1 : scale > 0 ? 1 : 0;
    const float qScale = EXACT ? sign : modified ? scale : scale * LOG2E;
    scale = EXACT ? fabsf(scale) : 1;
    const float unit = !EXACT ? 1 : modified || scale == 0 ? LOG2E : scale * LOG2E;
    const int rows = min(ROWS, u.qoLen * p.groupSize - u.firstRow);
    for (int i = threadIdx.x; i < ROWS * Q_PITCH; i += WARPS * 32) {
        int r = i / Q_PITCH;
        int d = i % Q_PITCH;
        float value = 0;
        if (r < rows && d < DIM_QK) {
            int at = u.firstRow + r;
            int head = u.kvHead * p.groupSize + at % p.groupSize;
            value = load(p.qType, p.q, (u.row + at / p.groupSize) * p.qRowStride + head * p.qHeadStride + d) * qScale;
        }
        q[r * Q_PITCH + qAt(d / CHUNK, d % CHUNK)] = value;
    }
    __syncthreads();

    float top[ROWS]; // the maximum that the sums refer to
    float sum[ROWS];
    float o[ROWS][CHUNKS_PER_LANE][CHUNK];
#pragma unroll
    for (int r = 0; r < ROWS; r++) {
        top[r] = NEG_INF;
        sum[r] = 0;
#pragma unroll
        for (int c = 0; c < CHUNKS_PER_LANE; c++) {
#pragma unroll
            for (int e = 0; e < CHUNK; e++) o[r][c][e] = 0;
        }
    }
    const int vLane = lane % LANES;
    const int vPart = lane / LANES;

    for (int t = 0; t < mine; t++) {
        arrive<SLOTS - 1>(); // K of this tile; what follows may be under way
        __syncwarp();
        float s[ROWS];
        float rest[ROWS];
        u32 slot = ring + 2 * t % SLOTS * SLOT;
        scores(slot, base, lane, s, rest);
        __syncwarp();
        fetch(2 * t + SLOTS);

        int token = u.kvStart + (warp + t * WARPS) * TILE + tokenOf(lane);
        const float slack = 8 / unit;
        bool raise = false;
#pragma unroll
        for (int r = 0; r < ROWS; r++) {
            bool seen = token < u.kvEnd;
#if GENERAL
            int at = u.firstRow + r;
            int position = u.kvLen - u.qoLen + at / p.groupSize;
            if (modified) {
                s[r] *= scale;
                if (p.softCap != 0) s[r] = p.softCap * tanhAccurate(s[r] / p.softCap);
                if (p.slopes) {
                    s[r] += p.slopes[(u.kvHead * p.groupSize + at % p.groupSize) * p.slopeStride] * (float)(token - position);
                }
                if (!EXACT) s[r] *= LOG2E;
            }
            seen = seen && (!p.causal || token <= position) && (p.windowLeft < 0 || token >= position - p.windowLeft);
#endif
            s[r] = seen ? s[r] : NEG_INF;
            raise = raise || s[r] > top[r] + slack;
        }
        if (__any_sync(~0u, raise)) {
#pragma unroll
            for (int r = 0; r < ROWS; r++) {
                float high = s[r];
#pragma unroll
                for (int d = 16; d > 0; d >>= 1) high = fmaxf(high, __shfl_xor_sync(~0u, high, d));
                high = fmaxf(high, top[r]);
                float shrink = top[r] == NEG_INF ? 0 : exp2Fast((top[r] - high) * unit);
                top[r] = high;
                sum[r] *= shrink;
#pragma unroll
                for (int c = 0; c < CHUNKS_PER_LANE; c++) {
#pragma unroll
                    for (int e = 0; e < CHUNK; e++) o[r][c][e] *= shrink;
                }
            }
        }
#pragma unroll
        for (int r = 0; r < P_PITCH; r += 4) {
            float w[4] = {0, 0, 0, 0};
#pragma unroll
            for (int i = 0; i < 4; i++) {
                if (r + i < ROWS) {
                    float high = top[(r + i) % ROWS];
                    float score = s[(r + i) % ROWS];
                    float above = score - (high == NEG_INF ? 0 : high);
                    if (EXACT && !modified && fabsf(score) != -NEG_INF) above += rest[(r + i) % ROWS];
                    w[i] = exp2Fast(above * unit);
                    sum[(r + i) % ROWS] += w[i];
                    if (GENERAL) w[i] = score == NEG_INF ? UNSEEN : w[i];
                }
            }
            asm volatile("st.shared.v4.f32 [%0], {%1, %2, %3, %4};"
                :: "r"(weights + (tokenOf(lane) * P_PITCH + r) * 4), "f"(w[0]), "f"(w[1]), "f"(w[2]), "f"(w[3]));
        }
        arrive<SLOTS - 1>(); // V of this tile
        __syncwarp();
        slot = ring + (2 * t + 1) % SLOTS * SLOT;
        if (V_CHUNKS % LANES == 0 || CHUNKS_PER_LANE > 1 || vLane < V_CHUNKS) {
#pragma unroll 4
            for (int i = 0; i < TILE; i += TOKEN_PARTS) {
                int j = i + vPart;
                float w[P_PITCH];
#pragma unroll
                for (int r = 0; r < P_PITCH; r += 4) {
                    asm volatile("ld.shared.v4.f32 {%0, %1, %2, %3}, [%4];"
                        : "=f"(w[r]), "=f"(w[r + 1]), "=f"(w[r + 2]), "=f"(w[r + 3])
                        : "r"(weights + (j * P_PITCH + r) * 4));
                }
#pragma unroll
                for (int c = 0; c < CHUNKS_PER_LANE; c++) {
                    int column = vLane + 32 * c;
                    if (CHUNKS_PER_LANE == 1 || V_CHUNKS % 32 == 0 || column < V_CHUNKS) {
                        Chunk v;
                        v.load(slot + j * V_ROW + (column ^ swizzle<V_CHUNKS>(j)) * CHUNK_BYTES);
#pragma unroll
                        for (int e = 0; e < CHUNK; e += 4) {
                            float x[4];
                            v.floats(e, x);
#pragma unroll
                            for (int r = 0; r < ROWS; r++) {
                                if (GENERAL && __float_as_int(w[r]) == __float_as_int(UNSEEN)) continue;
#pragma unroll
                                for (int i = 0; i < 4; i++) o[r][c][e + i] = fmaf(w[r], x[i], o[r][c][e + i]);
                            }
                        }
                    }
                }
            }
        }
        __syncwarp();
        fetch(2 * t + 1 + SLOTS);
    }

    // One state per warp, in the place of the rings: [WARPS][ROWS][DIM_VO], then maxima and sums.
    arrive<0>();
#pragma unroll
    for (int r = 0; r < ROWS; r++) {
#pragma unroll
        for (int d = 16; d > 0; d >>= 1) sum[r] += __shfl_xor_sync(~0u, sum[r], d);
        sum[r] *= TILE / 32.0f; // each token counted once
#pragma unroll
        for (int d = LANES; d < 32; d <<= 1) {
#pragma unroll
            for (int e = 0; e < CHUNK; e++) o[r][0][e] += __shfl_xor_sync(~0u, o[r][0][e], d);
        }
    }
    __syncthreads();
    float* states = (float*)shared;
    float* tops = states + WARPS * ROWS * DIM_VO;
    float* sums = tops + WARPS * ROWS;
#pragma unroll
    for (int r = 0; r < ROWS; r++) {
#pragma unroll
        for (int c = 0; c < CHUNKS_PER_LANE; c++) {
            int column = vLane + 32 * c;
            if (vPart == 0 && column < V_CHUNKS) {
#pragma unroll
                for (int e = 0; e < CHUNK; e += 4) {
                    *(float4*)(states + (warp * ROWS + r) * DIM_VO + column * CHUNK + e) =
                        make_float4(o[r][c][e], o[r][c][e + 1], o[r][c][e + 2], o[r][c][e + 3]);
                }
            }
        }
        if (lane == 0) {
            tops[warp * ROWS + r] = top[r] * unit;
            sums[warp * ROWS + r] = sum[r];
        }
    }
    __syncthreads();

    // Writes a row's LSE; returns what its output is to be multiplied with.
    auto finish = [&](int r, float all, bool writes) {
        int at = u.firstRow + r;
        int head = u.kvHead * p.groupSize + at % p.groupSize;
        float factor = vScale;
        if (p.sinks) {
            float sink = p.sinks[head * p.sinkStride] * LOG2E;
            float high = fmaxf(all, sink);
            if (high != NEG_INF) {
                float with = high + __log2f(exp2Fast(all - high) + exp2Fast(sink - high));
                factor *= all == NEG_INF ? 0 : exp2Fast(all - with);
                all = with;
            }
        }
        if (p.lse && writes) {
            p.lse[(u.row + at / p.groupSize) * p.lseRowStride + head * p.lseHeadStride] = all * 0.6931471805599453f;
        }
        return factor;
    };
    auto write = [&](int r, int d, float4 value, float factor) {
        int at = u.firstRow + r;
        int head = u.kvHead * p.groupSize + at % p.groupSize;
        store(p.outType, p.out, (u.row + at / p.groupSize) * p.outRowStride + head * p.outHeadStride + d,
            scaled(value, factor));
    };

    // The warps' states become one. Each thread works out the shares of its row by itself: that is less than a barrier.
    const int QUADS = DIM_VO / 4;
    float* mine_ = p.partials + (long long)(u.slot + u.part) * STATE;
    for (int i = threadIdx.x; i < rows * QUADS; i += WARPS * 32) {
        int r = i / QUADS;
        int d = i % QUADS * 4;
        float high = NEG_INF;
#pragma unroll
        for (int w = 0; w < WARPS; w++) high = fmaxf(high, tops[w * ROWS + r]);
        float total = 0;
        float4 value = make_float4(0, 0, 0, 0);
#pragma unroll
        for (int w = 0; w < WARPS; w++) {
            float x = tops[w * ROWS + r];
            float mass = sums[w * ROWS + r];
            float share = x == NEG_INF ? 0 : exp2Fast(x - high);
            total += x == NEG_INF ? mass : share * mass; // NaN alone raises no maximum, but must count
            add(value, *(const float4*)(states + (w * ROWS + r) * DIM_VO + d), share);
        }
        float all = total == 0 ? NEG_INF : (high == NEG_INF ? 0 : high) + __log2f(total);
        value = scaled(value, total == 0 ? 0 : total != total ? total : 1 / total);
        if (u.parts == 1) {
            write(r, d, value, finish(r, all, d == 0));
        } else {
            __stcg((float4*)(mine_ + r * DIM_VO + d), value);
            if (d == 0) __stcg(mine_ + ROWS * DIM_VO + r, all);
        }
    }
    if (u.parts == 1) return;

    // The last part to arrive merges all of them, in their order: the result does not depend on who is last.
    __shared__ u32 last;
    __syncthreads();
    if (threadIdx.x == 0) {
        u32 before;
        asm volatile("atom.acq_rel.gpu.global.add.u32 %0, [%1], 1;" : "=r"(before) : "l"(p.arrived + u.counter) : "memory");
        last = before == (u32)u.parts - 1;
        if (last) p.arrived[u.counter] = 0;
    }
    __syncthreads();
    if (!last) return;
    const float* first = p.partials + (long long)u.slot * STATE;
    for (int i = threadIdx.x; i < rows * QUADS; i += WARPS * 32) {
        int r = i / QUADS;
        int d = i % QUADS * 4;
        float high = NEG_INF;
        float total = 0;
        float4 value = make_float4(0, 0, 0, 0);
        for (int j = 0; j < u.parts; j += MERGED) {
            float lse[MERGED];
            float4 part[MERGED];
#pragma unroll
            for (int k = 0; k < MERGED; k++) { // all loads first: their latency is what a merge costs
                const float* at = first + (long long)min(j + k, u.parts - 1) * STATE;
                lse[k] = __ldcg(at + ROWS * DIM_VO + r);
                part[k] = __ldcg((const float4*)(at + r * DIM_VO + d));
            }
            float raised = high;
#pragma unroll
            for (int k = 0; k < MERGED; k++) raised = fmaxf(raised, lse[k]);
            float base2 = raised == NEG_INF ? 0 : raised;
            float shrink = exp2Fast(high - base2);
            total *= shrink;
            value = scaled(value, shrink);
            high = raised;
#pragma unroll
            for (int k = 0; k < MERGED; k++) {
                float share = j + k < u.parts && lse[k] != NEG_INF ? exp2Fast(lse[k] - base2) : 0;
                total += share;
                add(value, part[k], share);
            }
        }
        float all = total == 0 ? NEG_INF : (high == NEG_INF ? 0 : high) + __log2f(total);
        write(r, d, scaled(value, total == 0 ? 0 : 1 / total), finish(r, all, d == 0));
    }
}
