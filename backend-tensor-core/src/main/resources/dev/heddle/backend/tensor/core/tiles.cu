// What the tensor-core kernels share: tiles of K and V in shared memory, and what the matrix instruction takes from them.
// common.cu and conclude.cu precede it. K and V of one byte become f16, exactly, between shared memory and the matrix instruction.
//
// Set by the specialisation, besides what common.cu asks for: ROWS, WARP_ROWS (rows of a warp), TILE (tokens of a tile).

#define BYTES (KV_TYPE >= E4M3) // K and V of one byte

static const int TEAM = ROWS / WARP_ROWS;                    // warps that share a ring
static const int TEAMS = WARPS / TEAM;
static const int PARTS = (TILE + 31) / 32;                   // of a tile: a lane has a token of each
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

// Page ids of a tile, lane = token; those of later tokens follow in steps of a warp.
struct Ids {
    int of[PARTS];

    __device__ __forceinline__ void load(const Params& p, const int* pages, int start, int end) {
#pragma unroll
        for (int i = 0; i < PARTS; i++) of[i] = pageId(p, pages, start + i * 32, end);
    }
};

// Copies a team's tile of K or V; lane = token computes where its row begins. Tokens past the end become zeros, so that
// what lies in unused slots never meets a number.
template <int PIECES, int PITCH>
__device__ __forceinline__ void copyTile(const Params& p, u64 policy, u32 target, u64 base, const u64* segments,
        long long pageStride, long long tokenStride, long long headOffset, const Ids& ids, int start, int end) {
    const int thread = threadIdx.x % (TEAM * 32);
#pragma unroll
    for (int part = 0; part < PARTS; part++) {
        const int first = part * 32;
        const u64 row = rowOf(p, base, segments, pageStride, tokenStride, headOffset, ids.of[part], start + first, end);
#pragma unroll
        for (int i = 0; i < TILE / PARTS * PIECES; i += TEAM * 32) {
            int t = (i + thread) / PIECES;
            int piece = (i + thread) % PIECES;
            u64 from = __shfl_sync(~0u, row, t & 31) + piece * 16;
            if (TILE / PARTS * PIECES % (TEAM * 32) == 0 || t < TILE / PARTS) {
                copy16(p, policy, target + pieceAt<PITCH>(first + t, piece), from, first + t < end - start);
            }
        }
    }
}

__device__ __forceinline__ void multiply(float (&c)[4], const u32 (&a)[4], const u32 (&b)[2]) {
#if KV_TYPE == BF16
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
#else
    asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
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

// An address in a tile, so many pieces after another one in the same row. The permutation moves pieces within 128 bytes, and
// tiles begin at multiples of that.
template <int PITCH> __device__ __forceinline__ u32 piecesAfter(u32 address, int pieces) {
    return PITCH % 8 == 0 ? (address ^ (pieces & 7) << 4) + (pieces & ~7) * 16 : address + pieces * 16;
}

// Loads for a step where four matrices hold 16 tokens × two pieces, of a row that has so many. An odd last piece is there
// twice: beyond it there may be no memory. `second`: whether this lane points at the second piece.
template <int PIECES, int PITCH> __device__ __forceinline__ u32 stepAt(u32 address, int piece, int second) {
    u32 at = piecesAfter<PITCH>(address, piece);
    return PIECES % 2 && piece + 1 == PIECES ? at - second * 16 : at;
}

// Whether 16 tokens of V hold NaN or infinity: exponents that are all ones.
__device__ __forceinline__ bool hasOddities(u32 block) {
    const u32 EXPONENT = KV_TYPE == BF16 ? 0x7f80 : 0x7c00;
    const int lane = threadIdx.x & 31;
    bool odd = false;
    for (int m = 0; m < V_STEPS; m += STEPS) {
        u32 x[4];
        matrices(x, block + pieceAt<V_PITCH>(lane % 16, min(m * 2 / STEPS + lane / 16, V_PIECES - 1)));
#pragma unroll
        for (int i = 0; i < 4; i++) {
#if BYTES
            u32 a[2];
            widen(x[i], a[0], a[1]);
#else
            const u32 a[1] = {x[i]};
#endif
#pragma unroll
            for (int j = 0; j < STEPS; j++) {
                odd = odd || (a[j] & EXPONENT) == EXPONENT || (a[j] >> 16 & EXPONENT) == EXPONENT;
            }
        }
    }
    return __any_sync(~0u, odd);
}

// Waits for the other warps that share this one's ring.
__device__ __forceinline__ void teamBarrier() {
    if (TEAM == 1) {
        __syncwarp();
    } else if (TEAMS == 1) {
        __syncthreads();
    } else {
        asm volatile("bar.sync %0, %1;" :: "r"(threadIdx.x / (TEAM * 32) + 1), "n"(TEAM * 32) : "memory");
    }
}

// Loads a row of q as its lanes hold it in either operand, columns in pairs; a row that does not exist is zero. Returns what
// the row has been divided by: with K of one byte q is f16 too, and bf16 may be too large for that.
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
