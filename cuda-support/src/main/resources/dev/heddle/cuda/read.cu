// What a meter needs: reading memory once as fast as the device can, and keeping the device busy for a while.
// Specialised by macros: UNROLL, 16-byte loads in flight in each thread; STREAMING, whether they pass L1 by.

struct Arguments {
    const uint4* data;
    unsigned long long count;  // 16-byte words to read; for spin, nanoseconds
    unsigned* sink;
};

__device__ __forceinline__ uint4 load(const uint4* from) {
#if STREAMING
    uint4 v;
    asm volatile("ld.global.nc.L1::no_allocate.L2::256B.v4.u32 {%0, %1, %2, %3}, [%4];"
                 : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w)
                 : "l"(from));
    return v;
#else
    return *from;
#endif
}

extern "C" __global__ void __launch_bounds__(512) heddle_read(Arguments a) {
    const uint4* __restrict__ data = a.data;
    const unsigned long long step = (unsigned long long)gridDim.x * blockDim.x * UNROLL;
    unsigned sum = 0;
    for (unsigned long long at = (unsigned long long)blockIdx.x * blockDim.x * UNROLL + threadIdx.x; at < a.count;
         at += step) {
        uint4 v[UNROLL];
#pragma unroll
        for (int i = 0; i < UNROLL; ++i) {
            const unsigned long long j = at + (unsigned long long)i * blockDim.x;
            v[i] = j < a.count ? load(data + j) : make_uint4(0, 0, 0, 0);
        }
#pragma unroll
        for (int i = 0; i < UNROLL; ++i) sum += v[i].x ^ v[i].y ^ v[i].z ^ v[i].w;
    }
    if (sum == 0x9e3779b9u) *a.sink = sum;  // practically never, but the compiler cannot know: the loads stay
}

extern "C" __global__ void heddle_spin(Arguments a) {
    unsigned long long begin, now;
    asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(begin));
    do {
        asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(now));
    } while (now - begin < a.count);
}
