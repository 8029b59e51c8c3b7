// Attention on a GPU: the work-items of a group bring a tile of K and V into local memory together, while the next one
// is already on its way in registers. Everything is OpenCL C 1.2: no shuffles, no atomics.
//
// The work-items form TEAMS, each of which has its part of the rows. Scores: each work-item takes two tokens and every
// SLICES-th chunk of the head dim, so that a q that it reads serves two tokens. Products with V: each takes a chunk of the
// output and every SETS-th token; the sets are added up at the end.

#if KV_TYPE == 0
#define ELEMENT_BYTES 4
#elif KV_TYPE <= 2
#define ELEMENT_BYTES 2
#else
#define ELEMENT_BYTES 1
#endif

#if CHUNK == 16
typedef uint4 Chunk;
#else
typedef uint2 Chunk;
#endif
#define WORDS (CHUNK / 4)
#define CE (CHUNK / ELEMENT_BYTES)      // elements of a chunk
#define KC (D_QK / CE)                  // chunks of a row
#define VC (D_VO / CE)
#define K_STRIDE (KC | 1)               // odd, so that neighbouring rows lie in different banks
#define TEAM_ITEMS (ITEMS / TEAMS)
#define TEAM_ROWS ((ROWS + TEAMS - 1) / TEAMS)
#define ALL_ROWS (TEAMS * TEAM_ROWS)    // with those that the last team lacks
#define LANES (TOKENS / 2)
#define SLICES (TEAM_ITEMS / LANES)
#define SETS (TEAM_ITEMS / VC)
#define TEAM_PAD ((TEAM_ROWS + 3) / 4 * 4)
#define ROW_PAD (TEAMS * TEAM_PAD)
#define WEIGHT(t, r) ((t) * ROW_PAD + (r) / TEAM_ROWS * TEAM_PAD + (r) % TEAM_ROWS)
#define K_LOADS ((TOKENS * KC + ITEMS - 1) / ITEMS)
#define V_LOADS ((TOKENS * VC + ITEMS - 1) / ITEMS)
#define OR_MORE(a, b) ((a) > (b) ? (a) : (b))
#define SCRATCH OR_MORE(OR_MORE(2 * ALL_ROWS, CE) * TEAM_ITEMS, TOKENS * ROW_PAD)

inline void expand(Chunk chunk, float *values) {
    union {
        Chunk whole;
        uint words[WORDS];
    } of;
    of.whole = chunk;
#pragma unroll
    for (int i = 0; i < WORDS; i++) {
        const uint word = of.words[i];
#if KV_TYPE == 0
        values[i] = as_float(word);
#elif KV_TYPE == 1
        const float2 pair = vload_half2(0, (const half *)&word);
        values[2 * i] = pair.x;
        values[2 * i + 1] = pair.y;
#elif KV_TYPE == 2
        values[2 * i] = as_float(word << 16);
        values[2 * i + 1] = as_float(word & 0xffff0000);
#elif KV_TYPE == 5
        const float4 four = convert_float4(as_char4(word));
        values[4 * i] = four.x;
        values[4 * i + 1] = four.y;
        values[4 * i + 2] = four.z;
        values[4 * i + 3] = four.w;
#else
#pragma unroll
        for (int j = 0; j < 4; j++) {
            const uint byte = word >> 8 * j & 0xff;
#if KV_TYPE == 3
            const uint x = (byte & 0x7f) << 20;
            const float small = as_float(x + (121u << 23)) - 0x1p-6f;
            const float normal = as_float(x + (120u << 23));
            const float value = (byte & 0x78) == 0 ? small : (byte & 0x7f) == 0x7f ? NAN : normal;
            values[4 * i + j] = as_float(as_uint(value) | (byte & 0x80) << 24);
#else
            const ushort bits = (ushort)(byte << 8);
            values[4 * i + j] = vload_half(0, (const half *)&bits);
#endif
        }
#endif
    }
}

#define LANES_PER_ROW (ROWS * 16 <= ITEMS ? 16 : 8)
#define OF_LANE (TOKENS / LANES_PER_ROW > 0 ? TOKENS / LANES_PER_ROW : 1)

__kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1))) void heddle_attention(ATTENTION_ARGUMENTS) {
    __local Chunk k_tile[TOKENS * K_STRIDE];
    __local Chunk v_tile[TOKENS * VC];
    __local float4 q_tile[ALL_ROWS * D_QK / 4];
    __local float scratch[SCRATCH]; // parts of scores, then weights, in the end parts of sums
    __local float *weights = scratch;
    __local float tops[ROWS * LANES_PER_ROW];
    __local float factors[ALL_ROWS];
    __local long k_from[TOKENS];
    __local long v_from[TOKENS];
#if SEGMENTS > 1
    __local int segment[TOKENS];
#endif

    __global const int *u = units + get_group_id(0) * UNIT_INTS;
    const int rows = u[U_ROWS];
    if (rows == 0) {
        return;
    }
    const int id = get_local_id(0);
    const int head = u[U_HEAD];
    const int from = u[U_FROM];
    const int to = u[U_TO];
    const float sk = p.sm_scale * (p.flags & HEAD_SCALES ? scales[2 * head] : p.k_scale);
    const float v_scale = p.flags & HEAD_SCALES ? scales[2 * head + 1] : p.v_scale;
    __global const uchar *ks[] = {SEGMENT_LIST(SEGMENT_K)};
    __global const uchar *vs[] = {SEGMENT_LIST(SEGMENT_V)};

    for (int i = id; i < ALL_ROWS * D_QK; i += ITEMS) {
        const int row = u[U_ROW] + i / D_QK;
        const long at = p.q + (u[U_QUERY] + row / p.group) * p.q_row + (head * p.group + row % p.group) * p.q_head;
        ((__local float *)q_tile)[i] = i / D_QK < rows ? load_value(q, p.q_type, at + i % D_QK) : 0.0f;
    }

    // As the softmax sees it: which row is this work-item's, and which of the row's tokens.
    const int my_row = id / LANES_PER_ROW;
    const int my_lane = id % LANES_PER_ROW;
    const bool softmax = my_row < rows && my_lane < TOKENS;
    const int position = u[U_KV_LEN] - u[U_QO_LEN] + (u[U_ROW] + my_row) / p.group;
    const int first = p.window_left < 0 ? 0 : position - p.window_left;
    const int last = p.causal ? position : u[U_KV_LEN] - 1;
#if GENERAL
    const float slope = softmax && (p.flags & WITH_ALIBI)
        ? slopes[p.slopes + (head * p.group + (u[U_ROW] + my_row) % p.group) * p.slope_stride] : 0.0f;
#endif
    float m = -INFINITY;
    float l = 0.0f;

    const int team_row = id / TEAM_ITEMS * TEAM_ROWS; // the first of this work-item's team
    const int chunk = id % TEAM_ITEMS % VC;
    const int set = id % TEAM_ITEMS / VC;
    float acc[TEAM_ROWS][CE];
#pragma unroll
    for (int r = 0; r < TEAM_ROWS; r++) {
#pragma unroll
        for (int e = 0; e < CE; e++) {
            acc[r][e] = 0.0f;
        }
    }

#define FIND_ROWS(begin) \
    for (int t = id; t < TOKENS && (begin) + t < to; t += ITEMS) { \
        int page = pages[u[U_PAGES] + ((begin) + t) / p.page_size]; \
        const int slot = ((begin) + t) % p.page_size; \
        FIND_SEGMENT \
        k_from[t] = p.k + page * p.k_page + slot * p.k_token + head * p.k_head; \
        v_from[t] = p.v + page * p.v_page + slot * p.v_token + head * p.v_head; \
    }
#if SEGMENTS > 1
#define FIND_SEGMENT \
    segment[t] = page / p.pages_per_segment; \
    page %= p.pages_per_segment;
#define K_BASE(t) ks[segment[t]]
#define V_BASE(t) vs[segment[t]]
#else
#define FIND_SEGMENT
#define K_BASE(t) ks[0]
#define V_BASE(t) vs[0]
#endif

    Chunk k_next[K_LOADS];
    Chunk v_next[V_LOADS];
    // Tokens beyond the range are zeros: what lies there may be no number.
#define FETCH(begin) \
    { \
        const int there = min(TOKENS, to - (begin)); \
        _Pragma("unroll") for (int i = 0; i < K_LOADS; i++) { \
            const int t = (i * ITEMS + id) / KC; \
            k_next[i] = t < there ? *(__global const Chunk *)(K_BASE(t) + k_from[t] + (i * ITEMS + id) % KC * CHUNK) \
                                  : (Chunk)0; \
        } \
        _Pragma("unroll") for (int i = 0; i < V_LOADS; i++) { \
            const int t = (i * ITEMS + id) / VC; \
            v_next[i] = t < there ? *(__global const Chunk *)(V_BASE(t) + v_from[t] + (i * ITEMS + id) % VC * CHUNK) \
                                  : (Chunk)0; \
        } \
    }

    FIND_ROWS(from)
    barrier(CLK_LOCAL_MEM_FENCE);
    if (from < to) {
        FETCH(from)
    }
    for (int begin = from; begin < to; begin += TOKENS) {
        const int count = min(TOKENS, to - begin);
        barrier(CLK_LOCAL_MEM_FENCE); // everybody is done with the tile before
#pragma unroll
        for (int i = 0; i < K_LOADS; i++) {
            const int at = i * ITEMS + id;
            if (at < TOKENS * KC) {
                k_tile[at / KC * K_STRIDE + at % KC] = k_next[i];
            }
        }
#pragma unroll
        for (int i = 0; i < V_LOADS; i++) {
            if (i * ITEMS + id < TOKENS * VC) {
                v_tile[i * ITEMS + id] = v_next[i];
            }
        }
        FIND_ROWS(begin + TOKENS)
        barrier(CLK_LOCAL_MEM_FENCE);
        if (begin + TOKENS < to) {
            FETCH(begin + TOKENS)
        }

        {
            const int token = id % TEAM_ITEMS % LANES;
            const int slice = id % TEAM_ITEMS / LANES;
            float near[TEAM_ROWS];
            float far[TEAM_ROWS];
#pragma unroll
            for (int r = 0; r < TEAM_ROWS; r++) {
                near[r] = 0.0f;
                far[r] = 0.0f;
            }
            for (int c = slice; c < KC; c += SLICES) {
                float a[CE];
                float b[CE];
                expand(k_tile[token * K_STRIDE + c], a);
                expand(k_tile[(token + LANES) * K_STRIDE + c], b);
#pragma unroll
                for (int r = 0; r < TEAM_ROWS; r++) {
#pragma unroll
                    for (int e = 0; e < CE; e += 4) {
#if CE % 4 == 0
                        const float4 x = q_tile[((team_row + r) * D_QK + c * CE + e) / 4];
                        near[r] = fma(x.x, a[e], fma(x.y, a[e + 1], fma(x.z, a[e + 2], fma(x.w, a[e + 3], near[r]))));
                        far[r] = fma(x.x, b[e], fma(x.y, b[e + 1], fma(x.z, b[e + 2], fma(x.w, b[e + 3], far[r]))));
#else
                        const float2 x = ((__local float2 *)q_tile)[((team_row + r) * D_QK + c * CE + e) / 2];
                        near[r] = fma(x.x, a[e], fma(x.y, a[e + 1], near[r]));
                        far[r] = fma(x.x, b[e], fma(x.y, b[e + 1], far[r]));
#endif
                    }
                }
            }
#pragma unroll
            for (int r = 0; r < TEAM_ROWS; r++) {
                const int at = (slice * ALL_ROWS + team_row + r) * TOKENS + token;
                scratch[at] = near[r];
                scratch[at + LANES] = far[r];
            }
        }
        barrier(CLK_LOCAL_MEM_FENCE);

        float s[OF_LANE];
        if (softmax) {
            float top = -INFINITY;
#pragma unroll
            for (int j = 0; j < OF_LANE; j++) {
                const int t = j * LANES_PER_ROW + my_lane;
                const int token = begin + t;
                float sum = 0.0f;
#pragma unroll
                for (int i = 0; i < SLICES; i++) {
                    sum += scratch[(i * ALL_ROWS + my_row) * TOKENS + t];
                }
#if GENERAL
                sum *= sk;
                if (p.soft_cap != 0.0f) {
                    sum = p.soft_cap * tanh(sum / p.soft_cap);
                }
                sum = sum * LOG2E + slope * LOG2E * (token - position);
                s[j] = t < count && token >= first && token <= last ? sum : -INFINITY;
#else
                s[j] = t < count ? sum * (sk * LOG2E) : -INFINITY;
#endif
                top = fmax(top, s[j]);
            }
            tops[my_row * LANES_PER_ROW + my_lane] = top;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        if (softmax) {
            float top = m;
            for (int i = 0; i < min(LANES_PER_ROW, TOKENS); i++) {
                top = fmax(top, tops[my_row * LANES_PER_ROW + i]);
            }
            const float factor = m == top ? 1.0f : m == -INFINITY ? 0.0f : exp2(m - top);
            const float reference = top == -INFINITY ? 0.0f : top;
            m = top;
            l *= factor;
#pragma unroll
            for (int j = 0; j < OF_LANE; j++) {
                const int t = j * LANES_PER_ROW + my_lane;
                const float e = exp2(s[j] - reference);
                l += e;
#if GENERAL
                // 0 times what a row must not see could be NaN: -0 says to leave it out.
                const bool seen = begin + t >= first && begin + t <= last;
                weights[WEIGHT(t, my_row)] = seen ? e : as_float(HIDDEN);
#else
                weights[WEIGHT(t, my_row)] = e;
#endif
            }
            if (my_lane == 0) {
                factors[my_row] = factor;
            }
        } else if (my_row < ROWS && my_row >= rows) { // rows that a last tile lacks
            for (int t = my_lane; t < TOKENS; t += LANES_PER_ROW) {
                weights[WEIGHT(t, my_row)] = 0.0f;
            }
            factors[my_row] = 1.0f;
        }
        barrier(CLK_LOCAL_MEM_FENCE);

        if (set < SETS) {
#pragma unroll
            for (int r = 0; r < TEAM_ROWS; r++) {
                const float factor = factors[team_row + r];
                if (factor != 1.0f) {
#pragma unroll
                    for (int e = 0; e < CE; e++) {
                        acc[r][e] *= factor;
                    }
                }
            }
            for (int t = set; t < count; t += SETS) {
                float v[CE];
                expand(v_tile[t * VC + chunk], v);
#pragma unroll
                for (int r = 0; r < TEAM_ROWS; r++) {
                    const float w = weights[WEIGHT(t, team_row) + r];
#if GENERAL
                    if (as_uint(w) == HIDDEN) {
                        continue;
                    }
#endif
#pragma unroll
                    for (int e = 0; e < CE; e++) {
                        acc[r][e] = fma(w, v[e], acc[r][e]);
                    }
                }
            }
        }
    }

    barrier(CLK_LOCAL_MEM_FENCE);
    if (softmax) {
        tops[my_row * LANES_PER_ROW + my_lane] = l;
        if (my_lane == 0) {
            factors[my_row] = m;
        }
    }
    __global float *part = partials + (long)max(0, u[U_SLOT]) * (ROWS * (D_VO + 2));
#pragma unroll
    for (int of_team = 0; of_team < TEAM_ROWS; of_team++) {
        for (int team = 0; team < TEAMS; team++) {
            const int r = team * TEAM_ROWS + of_team;
            barrier(CLK_LOCAL_MEM_FENCE);
            if (set < SETS && team * TEAM_ROWS == team_row) {
#pragma unroll
                for (int e = 0; e < CE; e++) {
                    scratch[set * D_VO + chunk * CE + e] = acc[of_team][e];
                }
            }
            barrier(CLK_LOCAL_MEM_FENCE);
            if (r >= rows) {
                continue;
            }
            float sum = 0.0f;
            for (int i = 0; i < min(LANES_PER_ROW, TOKENS); i++) {
                sum += tops[r * LANES_PER_ROW + i];
            }
            const int row = u[U_ROW] + r;
            Finished done;
            if (u[U_SLOT] < 0) {
                done = finish_row(p, lse, sinks, u[U_QUERY] + row / p.group, head * p.group + row % p.group,
                                  factors[r], sum, id == 0);
            } else if (id == 0) {
                part[ROWS * D_VO + r] = factors[r];
                part[ROWS * D_VO + ROWS + r] = sum;
            }
            for (int d = id; d < D_VO; d += ITEMS) {
                float value = 0.0f;
                for (int i = 0; i < SETS; i++) {
                    value += scratch[i * D_VO + d];
                }
                if (u[U_SLOT] < 0) {
                    store_value(out, p.out_type, done.out + d, finished_value(done, value, v_scale));
                } else {
                    part[r * D_VO + d] = value;
                }
            }
        }
    }
}
