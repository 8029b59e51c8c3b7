// The end of a work unit, after common.cu: states of warps, then of parts become one, in a fixed order.

// Four neighbouring elements of an output, summed over shares that each know their LSE in base 2.
struct Merge {
    float high = NEG_INF;
    float total = 0;
    float4 value = make_float4(0, 0, 0, 0);

    // Takes the first count of N shares.
    template <int N> __device__ __forceinline__ void take(const float (&lse)[N], const float4 (&part)[N], int count) {
        float raised = high;
#pragma unroll
        for (int k = 0; k < N; k++) raised = fmaxf(raised, lse[k]);
        float base2 = raised == NEG_INF ? 0 : raised;
        float shrink = exp2Fast(high - base2);
        total *= shrink;
        value = scaled(value, shrink);
        high = raised;
#pragma unroll
        for (int k = 0; k < N; k++) {
            float share = k < count && lse[k] != NEG_INF ? exp2Fast(lse[k] - base2) : 0;
            total += share;
            add(value, part[k], share);
        }
    }

    __device__ __forceinline__ float lse() const {
        return total == 0 ? NEG_INF : (high == NEG_INF ? 0 : high) + __log2f(total);
    }

    __device__ __forceinline__ float4 output() const { return scaled(value, total == 0 ? 0 : 1 / total); }
};

static const int MERGED = 8; // parts whose loads are under way at once in a merge

// Ends a work unit. In: the states of each row in shared memory, outputs [STATES][ROWS_][PITCH], maxima and sums of
// weights [STATES][ROWS_] in base 2, behind a barrier. Out: the result, or this part's share of it, which the last part to
// arrive merges with the others. The CTAs of a cluster first make one part of theirs: each of them owns a share of the
// elements, and is sent that share by its neighbours.
template <int STATES, int ROWS_, int PITCH> __device__ __forceinline__ void conclude(const Params& p, const Unit& u,
        int rows, const float* states, const float* tops, const float* sums) {
    const int QUADS = DIM_VO / 4;
    const int MINE = ((ROWS_ * QUADS + 3) / 4 + CLUSTER - 1) / CLUSTER * 4; // four quads to one, four to the next: whole sectors
    const int STATE = ROWS_ * DIM_VO + (ROWS_ * CLUSTER + 3) / 4 * 4; // floats of a part in the workspace
    const float vScale = vScaleOf(p, u.kvHead);
#if CLUSTER > 1
    const u32 rank = clusterRank();
    __shared__ float4 outputs[CLUSTER * MINE];
    __shared__ float lses[CLUSTER * MINE];
    clusterHasBegun();
#else
    const u32 rank = 0;
#endif

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
    auto write = [&](int r, int d, float4 value, float all) {
        int at = u.firstRow + r;
        int head = u.kvHead * p.groupSize + at % p.groupSize;
        float factor = finish(r, all, d == 0);
        store(p.outType, p.out, (u.row + at / p.groupSize) * p.outRowStride + head * p.outHeadStride + d,
            scaled(value, factor));
    };
    float* part = p.partials + (long long)(u.slot + u.part) * STATE;
    auto end = [&](int r, int d, float4 value, float all) {
        if (u.parts == 1) {
            write(r, d, value, all);
        } else {
            __stcg((float4*)(part + r * DIM_VO + d), value);
            __stcg(part + ROWS_ * DIM_VO + rank * ROWS_ + r, all); // the same from every thread of the row
        }
    };

    // The warps' states become one. Each thread works out the shares of its row by itself: that is less than a barrier.
    for (int i = threadIdx.x; i < rows * QUADS; i += WARPS * 32) {
        int r = i / QUADS;
        int d = i % QUADS * 4;
        float high = NEG_INF;
#pragma unroll
        for (int w = 0; w < STATES; w++) high = fmaxf(high, tops[w * ROWS_ + r]);
        float total = 0;
        float4 value = make_float4(0, 0, 0, 0);
#pragma unroll
        for (int w = 0; w < STATES; w++) {
            float x = tops[w * ROWS_ + r];
            float mass = sums[w * ROWS_ + r];
            float share = x == NEG_INF ? 0 : exp2Fast(x - high);
            total += x == NEG_INF ? mass : share * mass; // NaN alone raises no maximum, but must count
            add(value, *(const float4*)(states + (w * ROWS_ + r) * PITCH + d), share);
        }
        float all = total == 0 ? NEG_INF : (high == NEG_INF ? 0 : high) + __log2f(total);
        value = scaled(value, total == 0 ? 0 : total != total ? total : 1 / total);
#if CLUSTER > 1
        u32 owner = i / 4 % CLUSTER;
        int at = rank * MINE + i / 4 / CLUSTER * 4 + i % 4;
        storeAt(owner, outputs + at, value);
        storeAt(owner, lses + at, all);
#else
        end(r, d, value, all);
#endif
    }
    auto mine = [&](int i) { return (i / 4 * CLUSTER + (int)rank) * 4 + i % 4; }; // which quad of the rows
#if CLUSTER > 1
    clusterBarrier();
    for (int i = threadIdx.x; i < MINE && mine(i) < rows * QUADS; i += WARPS * 32) {
        float lse[CLUSTER];
        float4 share[CLUSTER];
#pragma unroll
        for (int k = 0; k < CLUSTER; k++) {
            lse[k] = lses[k * MINE + i];
            share[k] = outputs[k * MINE + i];
        }
        Merge merge;
        merge.take(lse, share, CLUSTER);
        end(mine(i) / QUADS, mine(i) % QUADS * 4, merge.output(), merge.lse());
    }
#endif
    if (u.parts == 1) return;

    // The last part to arrive merges all of them, in their order: the result does not depend on who is last.
    __shared__ u32 last;
    __syncthreads();
    if (threadIdx.x == 0) {
        u32* arrived = p.arrived + u.counter * CLUSTER + rank;
        u32 before;
        asm volatile("atom.acq_rel.gpu.global.add.u32 %0, [%1], 1;" : "=r"(before) : "l"(arrived) : "memory");
        last = before == (u32)u.parts - 1;
        if (last) *arrived = 0;
    }
    __syncthreads();
    if (!last) return;
    const float* first = p.partials + (long long)u.slot * STATE;
    for (int i = threadIdx.x; i < MINE && mine(i) < rows * QUADS; i += WARPS * 32) {
        int r = mine(i) / QUADS;
        int d = mine(i) % QUADS * 4;
        Merge merge;
        for (int j = 0; j < u.parts; j += MERGED) {
            float lse[MERGED];
            float4 share[MERGED];
#pragma unroll
            for (int k = 0; k < MERGED; k++) { // all loads first: their latency is what a merge costs
                const float* at = first + (long long)min(j + k, u.parts - 1) * STATE;
                lse[k] = __ldcg(at + ROWS_ * DIM_VO + rank * ROWS_ + r);
                share[k] = __ldcg((const float4*)(at + r * DIM_VO + d));
            }
            merge.take(lse, share, u.parts - j);
        }
        write(r, d, merge.output(), merge.lse());
    }
}
