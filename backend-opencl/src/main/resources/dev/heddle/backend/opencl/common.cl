// What all kernels share: their one struct, the units of a schedule, element types, how a row is finished.
//
// A program is specialised by macros: ROWS (query rows of a tile), D_QK, D_VO (head dims), KV_TYPE, GENERAL (masks, soft
// cap, ALiBi), SEGMENTS (buffers of the KV cache), and those of vector.cl or tiles.cl.

#pragma OPENCL FP_CONTRACT ON

enum { F32, F16, BF16, E4M3, E5M2, INT8 }; // as in DataType
enum { WITH_LSE = 1, WITH_SINKS = 2, WITH_ALIBI = 4, HEAD_SCALES = 8 };

// Offsets and strides of q, out, lse, sinks and slopes in elements, those of K and V in bytes.
typedef struct {
    long q, out, lse, sinks, slopes;
    long q_row, q_head, out_row, out_head, lse_row, lse_head, sink_stride, slope_stride;
    long k, k_page, k_token, k_head, v, v_page, v_token, v_head;
    float sm_scale, soft_cap, k_scale, v_scale;
    int window_left, causal, group, page_size, pages_per_segment, q_type, out_type, flags;
} Params;

// A unit of work: the rows of one tile against a range of KV tokens. WorkSchedule writes them.
enum { U_QUERY, U_QO_LEN, U_KV_LEN, U_PAGES, U_HEAD, U_ROW, U_ROWS, U_FROM, U_TO, U_SLOT, U_HEADS, UNIT_INTS = 12 };

// Rows whose parts are merged: WorkSchedule writes these, too.
enum { M_QUERY, M_HEAD, M_ROW, M_ROWS, M_SLOT, M_PARTS, M_STRIDE, MERGE_INTS = 8 };

#define LOG2E 1.44269504088896340736f
#define LN2 0.69314718055994530942f
#define HIDDEN 0x80000000u // the bits of -0.0f, which no exponential gives

inline float load_value(__global const uchar *from, int type, long index) {
    switch (type) {
    case F32:
        return ((__global const float *)from)[index];
    case F16:
        return vload_half(index, (__global const half *)from);
    default:
        return as_float((uint)((__global const ushort *)from)[index] << 16);
    }
}

inline void store_value(__global uchar *to, int type, long index, float value) {
    if (type == F32) {
        ((__global float *)to)[index] = value;
    } else if (type == F16) {
        vstore_half_rte(value, index, (__global half *)to);
    } else {
        uint bits = as_uint(value);
        uint rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
        ((__global ushort *)to)[index] = (ushort)((bits & 0x7fffffff) > 0x7f800000 ? bits >> 16 | 0x40 : rounded);
    }
}

// Where a row of a tile goes, and what its sums are divided by.
typedef struct {
    long out;      // its first element
    float divisor; // 0: it saw nothing
    float factor;  // what parts that were summed at maximum m are multiplied by
} Finished;

// Ends a row of maximum m (log2 domain) and sum l: adds its sink; writes its LSE where one of several work-items is asked to.
inline Finished finish_row(Params p, __global float *lse, __global const float *sinks, int query, int head, float m,
                           float l, bool write) {
    Finished done;
    done.out = p.out + query * p.out_row + head * p.out_head;
    done.factor = 1.0f;
    if (p.flags & WITH_SINKS) {
        float sink = sinks[p.sinks + head * p.sink_stride] * LOG2E;
        float top = isnan(l) ? m : fmax(m, sink);
        if (top > -INFINITY) {
            done.factor = m == -INFINITY ? 0.0f : exp2(m - top);
            l = l * done.factor + exp2(sink - top);
            m = top;
        }
    }
    done.divisor = l;
    if (write && (p.flags & WITH_LSE)) {
        lse[p.lse + query * p.lse_row + head * p.lse_head] = l == 0.0f ? -INFINITY : (m + log2(l)) * LN2;
    }
    return done;
}

inline float finished_value(Finished done, float sum, float v_scale) {
    return done.divisor == 0.0f ? 0.0f : sum * done.factor * v_scale / done.divisor;
}

#ifdef SEGMENTS
#if SEGMENTS == 1
#define SEGMENT_LIST(X) X(0)
#elif SEGMENTS == 4
#define SEGMENT_LIST(X) X(0) X(1) X(2) X(3)
#else
#define SEGMENT_LIST(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15) X(16) \
    X(17) X(18) X(19) X(20) X(21) X(22) X(23) X(24) X(25) X(26) X(27) X(28) X(29) X(30) X(31)
#endif
#define SEGMENT_ARGUMENT(n) , __global const uchar *k##n, __global const uchar *v##n
#define SEGMENT_K(n) k##n,
#define SEGMENT_V(n) v##n,

#define ATTENTION_ARGUMENTS \
    __global const uchar *q, __global uchar *out, __global float *lse, __global const float *sinks, \
    __global const float *slopes, __global const int *units, __global const int *pages, __global float *partials, \
    __global const float *scales, const Params p SEGMENT_LIST(SEGMENT_ARGUMENT)
#endif
