// Reads memory once and does nothing else: what any kernel that must read it is measured against.
__kernel void heddle_read(__global const uint4 *source, const long words, __global uint *sink) {
    const long step = get_global_size(0);
    uint4 all = 0;
    long i = get_global_id(0);
    for (; i + (UNROLL - 1) * step < words; i += UNROLL * step) {
        uint4 part[UNROLL];
#pragma unroll
        for (int j = 0; j < UNROLL; j++) {
            part[j] = source[i + j * step];
        }
#pragma unroll
        for (int j = 0; j < UNROLL; j++) {
            all ^= part[j];
        }
    }
    for (; i < words; i += step) {
        all ^= source[i];
    }
    if ((all.x ^ all.y ^ all.z ^ all.w) == 0x9e3779b9) {
        sink[0] = all.x; // so that the loads are not for nothing
    }
}
