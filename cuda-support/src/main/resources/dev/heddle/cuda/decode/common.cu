// What the decode kernels share: the kernel's argument, conversions, copies under way, the softmax's helpers. It and
// conclude.cu precede the source of each kernel, which is specialised by CLUSTER among others: how many neighbouring CTAs
// merge through each other's shared memory, 1 before sm_90.

#define F32 0
#define F16 1
#define BF16 2
#define E4M3 3
#define E5M2 4
#define INT8 5

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
    int part;       // which part of the tile's range this cluster has
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
    float* partials;            // [slots]: normalised output [ROWS][DIM_VO], then LSE in base 2 [CLUSTER][ROWS]
    u32* arrived;               // [counters][CLUSTER], zero between launches
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
    u32 pageMagic;              // token / pageSize is the high half of token * pageMagic, shifted; pages of one token aside
    int pageShift;
#if GENERAL
    int headScales;             // whether the two tables hold the scales, and not kScale and vScale
    int padding;
    float kScales[MAX_HEADS];
    float vScales[MAX_HEADS];
    u64 kSegments[MAX_SEGMENTS];
    u64 vSegments[MAX_SEGMENTS];
#endif
};

static const float LOG2E = 1.4426950408889634f;
#define NEG_INF (-__int_as_float(0x7f800000))

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

__device__ __forceinline__ void commit() { asm volatile("cp.async.commit_group;"); }

template <int LEFT> __device__ __forceinline__ void arrive() { asm volatile("cp.async.wait_group %0;" :: "n"(LEFT)); }

extern __shared__ __align__(128) char shared[];

// Every layer of a step reads the schedule and the page ids again, so they should outlive the KV that streams past.
__device__ __forceinline__ u64 evictLast() {
    u64 policy;
    asm("createpolicy.fractional.L2::evict_last.b64 %0, 1.0;" : "=l"(policy));
    return policy;
}

// This CTA's work.
__device__ __forceinline__ Unit unitOf(const Params& p) {
    static_assert(sizeof(Unit) == 48, "three loads of 16 bytes");
    union {
        int4 quads[3];
        Unit unit;
    } u;
    const int4* from = (const int4*)(p.units + blockIdx.x);
#pragma unroll
    for (int i = 0; i < 3; i++) {
        asm volatile("ld.global.nc.L2::cache_hint.v4.s32 {%0, %1, %2, %3}, [%4], %5;"
            : "=r"(u.quads[i].x), "=r"(u.quads[i].y), "=r"(u.quads[i].z), "=r"(u.quads[i].w)
            : "l"(from + i), "l"(evictLast()));
    }
    return u.unit;
}

// Which page of its request a token is in: a division takes thirty instructions, and every tile needs some.
__device__ __forceinline__ int pageOf(const Params& p, int token) {
    return p.pageSize == 1 ? token : (int)(__umulhi((u32)token, p.pageMagic) >> p.pageShift);
}

// The page id of token start + lane; asked for one tile ahead, since the answer takes as long as the data itself.
__device__ __forceinline__ int pageId(const Params& p, const int* pages, int start, int end) {
    int token = start + (threadIdx.x & 31);
    if (token >= end) return 0;
    int id;
    asm volatile("ld.global.nc.L2::cache_hint.s32 %0, [%1], %2;"
        : "=r"(id) : "l"(pages + pageOf(p, token)), "l"(evictLast()));
    return id;
}

// Where the row of token start + lane begins in the pages of K or V.
__device__ __forceinline__ u64 rowOf(const Params& p, u64 base, const u64* segments, long long pageStride,
        long long tokenStride, long long headOffset, int id, int start, int end) {
    int token = start + (threadIdx.x & 31);
#if GENERAL
    if (p.pagesPerSegment > 0) {
        base += segments[id / p.pagesPerSegment];
        id = id % p.pagesPerSegment;
    }
#endif
    int slot = token < end ? token - pageOf(p, token) * p.pageSize : 0;
    return base + headOffset + (long long)id * pageStride + slot * tokenStride;
}

// Copies 16 bytes, or zeros if the token is outside.
__device__ __forceinline__ void copy16(const Params& p, u64 policy, u32 to, u64 from, bool inside) {
    int bytes = inside ? 16 : 0;
    if (p.evictFirst) {
        asm volatile("cp.async.cg.shared.global.L2::cache_hint [%0], [%1], 16, %2, %3;"
            :: "r"(to), "l"(from), "r"(bytes), "l"(policy));
    } else {
        asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" :: "r"(to), "l"(from), "r"(bytes));
    }
}

__device__ __forceinline__ u64 evictFirst() {
    u64 policy;
    asm("createpolicy.fractional.L2::evict_first.b64 %0, 1.0;" : "=l"(policy));
    return policy;
}

__device__ __forceinline__ float vScaleOf(const Params& p, int kvHead) {
#if GENERAL
    return p.headScales ? p.vScales[kvHead] : p.vScale;
#else
    return p.vScale;
#endif
}

__device__ __forceinline__ float scaleOf(const Params& p, int kvHead) {
#if GENERAL
    return p.smScale * (p.headScales ? p.kScales[kvHead] : p.kScale);
#else
    return p.smScale * p.kScale;
#endif
}

#if CLUSTER > 1
__device__ __forceinline__ u32 clusterRank() {
    u32 rank;
    asm("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
    return rank;
}

// Says that this CTA runs: its neighbours may only write to the shared memory of one that does.
__device__ __forceinline__ void clusterBegins() { asm volatile("barrier.cluster.arrive.relaxed.aligned;" ::: "memory"); }

__device__ __forceinline__ void clusterHasBegun() { asm volatile("barrier.cluster.wait.aligned;" ::: "memory"); }

__device__ __forceinline__ void clusterBarrier() {
    asm volatile("barrier.cluster.arrive.release.aligned;" ::: "memory");
    asm volatile("barrier.cluster.wait.acquire.aligned;" ::: "memory");
}

// Stores into the place that a variable of this CTA has in a neighbour's shared memory.
__device__ __forceinline__ void storeAt(u32 rank, float4* here, float4 x) {
    asm volatile("{.reg .b32 there; mapa.shared::cluster.u32 there, %0, %1; st.shared::cluster.v4.f32 [there], {%2, %3, %4, %5};}"
        :: "r"((u32)__cvta_generic_to_shared(here)), "r"(rank), "f"(x.x), "f"(x.y), "f"(x.z), "f"(x.w) : "memory");
}

__device__ __forceinline__ void storeAt(u32 rank, float* here, float x) {
    asm volatile("{.reg .b32 there; mapa.shared::cluster.u32 there, %0, %1; st.shared::cluster.f32 [there], %2;}"
        :: "r"((u32)__cvta_generic_to_shared(here)), "r"(rank), "f"(x) : "memory");
}
#endif
