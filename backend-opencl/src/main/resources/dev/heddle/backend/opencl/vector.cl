// Attention on a processor: one work-item a unit, vectors of W floats, K and V read once for all rows of the tile.
//
// Scores come in blocks of TB tokens times ROWS rows, a lane each: lane r * TB + t. Maxima are raised only when a score
// passes the old one by far, so that a block is exponentiated without looking across lanes.
//
// Head dims are arguments: loops over the chunks of a row, of W elements each, are not unrolled anyhow. Sums and queries lie
// as chunks of all rows, so that what is used lies together.

#define CAT_(a, b) a##b
#define CAT(a, b) CAT_(a, b)
#define FV CAT(float, W)
#define IV CAT(int, W)
#define UV CAT(uint, W)
#define VLOAD CAT(vload, W)
#define VSTORE CAT(vstore, W)
#define AS_FV CAT(as_float, W)
#define AS_UV CAT(as_uint, W)
#define AS_IV CAT(as_int, W)
#define TO_FV CAT(convert_float, W)
#define TO_UV CAT(convert_uint, W)

#define MOST_CHUNKS (MOST_DIM / W)
#define NB (TOKENS / TB)
#define ROLLED _Pragma("clang loop unroll(disable) vectorize(disable)")
#define LAZY 8.0f // log2: how far a score may pass the maximum before it is raised

#define SV CAT(ushort, W)
#define TO_SV CAT(convert_ushort, W)

inline FV half_values(SV bits) {
    return CAT(vload_half, W)(0, (const half *)&bits);
}

#if KV_TYPE == 0
#define ROW_BYTES(d) (4 * (d))
#elif KV_TYPE <= 2
#define ROW_BYTES(d) (2 * (d))
#else
#define ROW_BYTES(d) (d)
#endif
#define LINE 64
#define AHEAD 16 // tokens

#ifndef __has_builtin
#define __has_builtin(name) 0
#endif

// Asks for a row that is wanted soon: rows of one head lie pages apart, where no hardware looks ahead. PoCL's prefetch()
// does nothing, its compiler's own does.
inline void ask_for(__global const uchar *row, int bytes) {
#if __has_builtin(__builtin_prefetch)
    ROLLED for (int i = 0; i < bytes; i += LINE) {
        __builtin_prefetch((const void *)(size_t)(row + i), 0, 2);
    }
#else
    prefetch(row, bytes);
#endif
}

// W elements of K or V.
inline FV load_kv(__global const uchar *row, int at) {
#if KV_TYPE == 0
    return VLOAD(0, (__global const float *)row + at);
#elif KV_TYPE == 1
    return CAT(vload_half, W)(0, (__global const half *)row + at);
#elif KV_TYPE == 2
    return AS_FV(TO_UV(VLOAD(0, (__global const ushort *)row + at)) << 16);
#elif KV_TYPE == 3
    // Both types count exponents alike but for their bias: shifted into a half it is the value over 256.
    SV b = TO_SV(VLOAD(0, row + at));
    FV value = half_values((b & (ushort)0x80) << (ushort)8 | (b & (ushort)0x7f) << (ushort)7) * 256.0f;
    return (TO_UV(b) & 0x7f) == 0x7f ? (FV)NAN : value;
#elif KV_TYPE == 4
    return half_values(TO_SV(VLOAD(0, row + at)) << (ushort)8);
#else
    return TO_FV(VLOAD(0, (__global const char *)row + at));
#endif
}

// 2^x to about 1e-7 for x up to 127; NaN stays NaN. S. Moshier, Cephes, exp2f.
inline FV power_of_two(FV x) {
    FV shifted = x + 12582912.0f; // rounds to a whole number in the low bits
    FV f = x - (shifted - 12582912.0f);
    FV s = 1.535336188319500e-4f;
    s = s * f + 1.339887440266574e-3f;
    s = s * f + 9.618437357674640e-3f;
    s = s * f + 5.550332471162809e-2f;
    s = s * f + 2.402264791363012e-1f;
    s = s * f + 6.931472028550421e-1f;
    s = s * f + 1.0f;
    FV power = s * AS_FV((AS_IV(shifted) - 0x4B400000 + 127) << 23);
    return x < -126.0f ? (FV)0.0f : power;
}

// A series where exponentials would leave few digits of a small value; most scores are small beside a cap. Cephes, tanhf.
inline FV hyperbolic_tangent(FV x) {
    FV y = x * (2 * LOG2E);
    FV large = 1.0f - 2.0f / (power_of_two(y > 126.0f ? (FV)126.0f : y) + 1.0f);
    FV z = x * x;
    FV s = -5.70498872745e-3f;
    s = s * z + 2.06390887954e-2f;
    s = s * z - 5.37397155531e-2f;
    s = s * z + 1.33314422036e-1f;
    s = s * z - 3.33332819422e-1f;
    return fabs(x) < 0.625f ? s * z * x + x : large;
}

// Adds up the lanes of W vectors at once: lane o of the result is the sum of a[slot(o)].
#define SLOT(o) (((o) % 4) * (W / 4) + (o) / 4)
#if W == 16
inline float16 halves(float16 x, float16 y) {
    return (float16)(x.lo, y.lo) + (float16)(x.hi, y.hi);
}
inline float16 quarters(float16 x, float16 y) {
    return (float16)(x.s0123, x.s89ab, y.s0123, y.s89ab) + (float16)(x.s4567, x.scdef, y.s4567, y.scdef);
}
inline float16 pairs(float16 x, float16 y) {
    return (float16)(x.s01, y.s01, x.s45, y.s45, x.s89, y.s89, x.scd, y.scd)
         + (float16)(x.s23, y.s23, x.s67, y.s67, x.sab, y.sab, x.sef, y.sef);
}
inline float16 neighbours(float16 x, float16 y) {
    return (float16)(x.s02, y.s02, x.s46, y.s46, x.s8a, y.s8a, x.sce, y.sce)
         + (float16)(x.s13, y.s13, x.s57, y.s57, x.s9b, y.s9b, x.sdf, y.sdf);
}
#define SUM4(i) pairs(quarters(halves(a[i], a[i + 1]), halves(a[i + 2], a[i + 3])), \
                      quarters(halves(a[i + 4], a[i + 5]), halves(a[i + 6], a[i + 7])))
#define LANE_SUMS(a) neighbours(SUM4(0), SUM4(8))
#else
inline float8 halves(float8 x, float8 y) {
    return (float8)(x.lo, y.lo) + (float8)(x.hi, y.hi);
}
inline float8 pairs(float8 x, float8 y) {
    return (float8)(x.s01, y.s01, x.s45, y.s45) + (float8)(x.s23, y.s23, x.s67, y.s67);
}
inline float8 neighbours(float8 x, float8 y) {
    return (float8)(x.s02, y.s02, x.s46, y.s46) + (float8)(x.s13, y.s13, x.s57, y.s57);
}
#define LANE_SUMS(a) neighbours(pairs(halves(a[0], a[1]), halves(a[2], a[3])), \
                                pairs(halves(a[4], a[5]), halves(a[6], a[7])))
#endif

// Not the kernel itself, of which PoCL makes three copies and compiles each.
__attribute__((noinline)) void attend(__global const int *u, ATTENTION_ARGUMENTS, const int d_qk, const int d_vo) {
    const int rows = u[U_ROWS];
    const int head = u[U_HEAD];
    const float sk = p.sm_scale * (p.flags & HEAD_SCALES ? scales[2 * head] : p.k_scale);
    const float v_scale = p.flags & HEAD_SCALES ? scales[2 * head + 1] : p.v_scale;
    __global const uchar *ks[] = {SEGMENT_LIST(SEGMENT_K)};
    __global const uchar *vs[] = {SEGMENT_LIST(SEGMENT_V)};

    const int nk = d_qk / W;
    const int nv = d_vo / W;
    FV qv[MOST_CHUNKS * ROWS];
    FV acc[MOST_CHUNKS * ROWS];
    float raised[W]; // the maximum of a row in each of its lanes
    float sums[W];
    float scores[NB * W];
    int firsts[W];
    int lasts[W];
    float slope[W];
    float position[W];
    ROLLED for (int i = 0; i < W; i++) {
        raised[i] = i < rows * TB ? -INFINITY : 0.0f; // lanes without a row are never above
        sums[i] = 0.0f;
        firsts[i] = 0;
        lasts[i] = -1;
        slope[i] = 0.0f;
        position[i] = 0.0f;
    }
    int sees_all = 0; // tokens from which some row may be blind, and up to which
    int sees_to = INT_MAX;
    ROLLED for (int r = 0; r < ROWS; r++) {
        const int row = u[U_ROW] + r;
        const int query = row / p.group;
        const int qo_head = head * p.group + row % p.group;
        const long from = p.q + (u[U_QUERY] + query) * p.q_row + qo_head * p.q_head;
        float values[MOST_DIM];
        ROLLED for (int d = 0; d < d_qk; d++) {
            values[d] = r < rows ? load_value(q, p.q_type, from + d) : 0.0f;
        }
        ROLLED for (int c = 0; c < nk; c++) {
            qv[c * ROWS + r] = VLOAD(c, values);
        }
        ROLLED for (int c = 0; c < nv; c++) {
            acc[c * ROWS + r] = 0.0f;
        }
        if (r < rows) {
            const int at = u[U_KV_LEN] - u[U_QO_LEN] + query;
            const int first = p.window_left < 0 ? 0 : max(0, at - p.window_left);
            const int last = p.causal ? min(at, u[U_KV_LEN] - 1) : u[U_KV_LEN] - 1;
            sees_all = max(sees_all, first);
            sees_to = min(sees_to, last);
            ROLLED for (int t = 0; t < TB; t++) {
                firsts[r * TB + t] = first;
                lasts[r * TB + t] = last;
                position[r * TB + t] = at;
                slope[r * TB + t] = p.flags & WITH_ALIBI ? slopes[p.slopes + qo_head * p.slope_stride] * LOG2E : 0.0f;
            }
        }
    }
    FV top = VLOAD(0, raised);
    FV l = VLOAD(0, sums);
    ROLLED for (int i = 0; i < W; i++) {
        raised[i] = i % TB;
    }
    const FV lane_token = VLOAD(0, raised);

    __global const uchar *kp[TOKENS];
    __global const uchar *vp[TOKENS];
    const int from = u[U_FROM];
    const int to = u[U_TO];
    int page_at = u[U_PAGES] + from / p.page_size;
    int slot = from % p.page_size;
    for (int begin = from; begin < to; begin += TOKENS) {
        const int count = min(TOKENS, to - begin);
        ROLLED for (int t = 0; t < count;) {
            int page = pages[page_at];
#if SEGMENTS > 1
            __global const uchar *k_base = ks[page / p.pages_per_segment];
            __global const uchar *v_base = vs[page / p.pages_per_segment];
            page %= p.pages_per_segment;
#else
            __global const uchar *k_base = ks[0];
            __global const uchar *v_base = vs[0];
#endif
            k_base += p.k + page * p.k_page + head * p.k_head;
            v_base += p.v + page * p.v_page + head * p.v_head;
            ROLLED for (; t < count && slot < p.page_size; t++, slot++) {
                kp[t] = k_base + slot * p.k_token;
                vp[t] = v_base + slot * p.v_token;
            }
            if (slot == p.page_size) {
                slot = 0;
                page_at++;
            }
        }
        ROLLED for (int t = count; t < TOKENS; t++) { // read, but never counted
            kp[t] = kp[count - 1];
            vp[t] = vp[count - 1];
        }
        const int blocks = (count + TB - 1) / TB;
        IV above = 0;
        FV most = -INFINITY;
        ROLLED for (int b = 0; b < blocks; b++) {
            FV a[W];
#pragma unroll
            for (int i = 0; i < W; i++) {
                a[i] = 0.0f;
            }
#pragma unroll
            for (int t = 0; t < TB; t++) {
                ask_for(kp[min(b * TB + t + AHEAD, TOKENS - 1)], ROW_BYTES(d_qk));
                ask_for(vp[b * TB + t], ROW_BYTES(d_vo));
            }
            ROLLED for (int c = 0; c < nk; c++) {
                FV kk[TB];
#pragma unroll
                for (int t = 0; t < TB; t++) {
                    kk[t] = load_kv(kp[b * TB + t], c * W);
                }
#pragma unroll
                for (int r = 0; r < ROWS; r++) {
                    const FV qq = qv[c * ROWS + r];
#pragma unroll
                    for (int t = 0; t < TB; t++) {
                        a[SLOT(r * TB + t)] = qq * kk[t] + a[SLOT(r * TB + t)];
                    }
                }
            }
            FV s = LANE_SUMS(a);
            s *= sk;
            if (p.soft_cap != 0.0f) {
                s = p.soft_cap * hyperbolic_tangent(s / p.soft_cap);
            }
            s *= LOG2E;
            if (p.flags & WITH_ALIBI) {
                const FV token = lane_token + (float)(begin + b * TB);
                s += VLOAD(0, slope) * (token - VLOAD(0, position));
            }
            VSTORE(s, b, scores);
        }
        // A tile that some row sees in part: what it does not see is minus infinity, and later left out of its sums.
        const int whole = count == TOKENS && begin >= sees_all && begin + count - 1 <= sees_to;
        if (!whole) {
            ROLLED for (int i = 0; i < blocks * W; i++) {
                const int token = begin + i / W * TB + i % W % TB;
                const int i_lane = i % W;
                if (token >= to || token < firsts[i_lane] || token > lasts[i_lane]) {
                    scores[i] = -INFINITY;
                }
            }
        }
        ROLLED for (int b = 0; b < blocks; b++) {
            const FV s = VLOAD(b, scores);
            above |= s > top + LAZY;
            most = fmax(most, s);
        }
        if (any(above)) {
            float found[W];
            float scale[W];
            VSTORE(most, 0, found);
            VSTORE(top, 0, raised);
            ROLLED for (int r = 0; r < ROWS; r++) {
                float row_top = raised[r * TB];
                const float before = row_top;
                ROLLED for (int t = 0; t < TB; t++) {
                    row_top = fmax(row_top, found[r * TB + t]);
                }
                const float factor = before == row_top ? 1.0f : before == -INFINITY ? 0.0f : exp2(before - row_top);
                ROLLED for (int t = 0; t < TB; t++) {
                    raised[r * TB + t] = row_top;
                    scale[r * TB + t] = factor;
                }
                if (factor != 1.0f) {
                    ROLLED for (int c = 0; c < nv; c++) {
                        acc[c * ROWS + r] *= factor;
                    }
                }
            }
            ROLLED for (int i = ROWS * TB; i < W; i++) {
                scale[i] = 1.0f;
            }
            top = VLOAD(0, raised);
            l *= VLOAD(0, scale);
        }
        const FV reference = top == -INFINITY ? (FV)0.0f : top;
        ROLLED for (int b = 0; b < blocks; b++) {
            const FV e = power_of_two(VLOAD(b, scores) - reference);
            l += e;
            VSTORE(e, b, scores);
        }
        if (whole) {
            ROLLED for (int t = 0; t < TOKENS; t += PB) {
                ROLLED for (int c = 0; c < nv; c++) {
                    FV vv[PB];
#pragma unroll
                    for (int i = 0; i < PB; i++) {
                        vv[i] = load_kv(vp[t + i], c * W);
                    }
#pragma unroll
                    for (int r = 0; r < ROWS; r++) {
                        FV sum = acc[c * ROWS + r];
#pragma unroll
                        for (int i = 0; i < PB; i++) {
                            sum = scores[(t / TB + i / TB) * W + r * TB + i % TB] * vv[i] + sum;
                        }
                        acc[c * ROWS + r] = sum;
                    }
                }
            }
        } else {
            ROLLED for (int t = 0; t < count; t++) { // 0 times what a row must not see could be NaN
                ROLLED for (int r = 0; r < rows; r++) {
                    if (begin + t < firsts[r * TB] || begin + t > lasts[r * TB]) {
                        continue;
                    }
                    const float e = scores[t / TB * W + r * TB + t % TB];
                    ROLLED for (int c = 0; c < nv; c++) {
                        acc[c * ROWS + r] = e * load_kv(vp[t], c * W) + acc[c * ROWS + r];
                    }
                }
            }
        }
    }

    VSTORE(top, 0, raised);
    VSTORE(l, 0, sums);
    ROLLED for (int r = 0; r < rows; r++) {
        float sum = 0.0f;
        ROLLED for (int t = 0; t < TB; t++) {
            sum += sums[r * TB + t];
        }
        const float m = raised[r * TB];
        if (u[U_SLOT] >= 0) {
            __global float *part = partials + (long)u[U_SLOT] * (ROWS * (d_vo + 2));
            ROLLED for (int c = 0; c < nv; c++) {
                VSTORE(acc[c * ROWS + r], 0, part + r * d_vo + c * W);
            }
            part[ROWS * d_vo + r] = m;
            part[ROWS * d_vo + ROWS + r] = sum;
            continue;
        }
        const int row = u[U_ROW] + r;
        const int query = u[U_QUERY] + row / p.group;
        const Finished done = finish_row(p, lse, sinks, query, head * p.group + row % p.group, m, sum, true);
        ROLLED for (int c = 0; c < nv; c++) {
            float values[W];
            VSTORE(acc[c * ROWS + r], 0, values);
            ROLLED for (int i = 0; i < W; i++) {
                store_value(out, p.out_type, done.out + c * W + i, finished_value(done, values[i], v_scale));
            }
        }
    }
}

#define SEGMENT_BOTH(n) , k##n, v##n
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void heddle_attention(ATTENTION_ARGUMENTS, const int d_qk,
                                                                             const int d_vo) {
    __global const int *u = units + get_group_id(0) * UNIT_INTS;
    if (u[U_ROWS] > 0) {
        attend(u, q, out, lse, sinks, slopes, units, pages, partials, scales, p SEGMENT_LIST(SEGMENT_BOTH), d_qk, d_vo);
    }
}
