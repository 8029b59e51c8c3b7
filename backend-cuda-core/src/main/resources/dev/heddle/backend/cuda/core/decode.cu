// Decode and short append on CUDA cores, for one shape. common.cu, conclude.cu and tiles.cu precede it; no header is needed
// to compile it.
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

extern "C" __global__ void __launch_bounds__(WARPS * 32, CTAS) heddle_decode(const __grid_constant__ Params p) {
    const int lane = threadIdx.x & 31;
    const int warp = threadIdx.x >> 5;
    const Unit u = unitOf(p);
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
    int id = pageId(p, pages, u.kvStart + warp * TILE, u.kvEnd);
    int idAhead = pageId(p, pages, u.kvStart + (warp + WARPS) * TILE, u.kvEnd);
    auto fetch = [&](int piece) {
        int t = piece >> 1;
        if (t < mine) {
            int start = u.kvStart + (warp + t * WARPS) * TILE;
            u32 target = ring + piece % SLOTS * SLOT;
            if (piece & 1) {
                copier.tile<V_ROW, V_CHUNKS>(target, (u64)p.v, V_SEGMENTS, p.vPageStride, p.vTokenStride, vHead, id, start, u.kvEnd);
                id = idAhead;
                idAhead = pageId(p, pages, start + 2 * WARPS * TILE, u.kvEnd);
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
#else
    const bool modified = false;
#endif
    float scale = scaleOf(p, u.kvHead);
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

    conclude<WARPS, ROWS, DIM_VO>(p, u, rows, states, tops, sums);
}
