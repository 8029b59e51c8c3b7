// Merges the parts of rows whose KV range was cut, in the order of the parts. One work-group for the rows of a tile.

__kernel void heddle_merge(__global uchar *out, __global float *lse, __global const float *sinks,
                           __global const int *merges, __global const float *partials, __global const float *scales,
                           const Params p, const int merges_at, const int tile_rows, const int d_vo) {
    __global const int *g = merges + merges_at + get_group_id(0) * MERGE_INTS;
    const int head = g[M_HEAD];
    const int parts = g[M_PARTS];
    const long stride = (long)tile_rows * (d_vo + 2);
    const float v_scale = p.flags & HEAD_SCALES ? scales[2 * head + 1] : p.v_scale;
    __local float weights[MOST_PARTS];
    for (int r = 0; r < g[M_ROWS]; r++) {
        __global const float *first = partials + g[M_SLOT] * stride;
        __global const float *m = first + tile_rows * d_vo + r;
        float top = -INFINITY;
        for (int i = 0; i < parts; i++) {
            top = fmax(top, m[i * stride]);
        }
        const float reference = top == -INFINITY ? 0.0f : top; // exp2(-inf - -inf) is no number
        for (int i = get_local_id(0); i < parts; i += get_local_size(0)) {
            weights[i] = exp2(m[i * stride] - reference);
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        float l = 0.0f;
        for (int i = 0; i < parts; i++) {
            l += weights[i] * m[i * stride + tile_rows];
        }
        const int row = g[M_ROW] + r;
        const int query = g[M_QUERY] + row / p.group;
        const Finished done = finish_row(p, lse, sinks, query, head * p.group + row % p.group, top, l,
                                          get_local_id(0) == 0);
        for (int d = get_local_id(0); d < d_vo; d += get_local_size(0)) {
            float sum = 0.0f;
            for (int i = 0; i < parts; i++) {
                sum += weights[i] * first[i * stride + r * d_vo + d];
            }
            store_value(out, p.out_type, done.out + d, finished_value(done, sum, v_scale));
        }
        barrier(CLK_LOCAL_MEM_FENCE); // before the weights of the next row
    }
}
