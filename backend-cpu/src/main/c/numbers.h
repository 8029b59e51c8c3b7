/* Numbers: sizes of types, and powers of two one at a time. */
#ifndef HEDDLE_NUMBERS_H
#define HEDDLE_NUMBERS_H

#include "walk.h"
#include <string.h>

INLINE int heddle_bytes(int type) {
    return type == HEDDLE_F32 ? 4 : type <= HEDDLE_BF16 ? 2 : 1;
}

/* 2^r for r in -0.5 to 0.5, to about an ulp: minimax of the relative error, as in Exponential.java. */
#define HEDDLE_C1 0.69314718246f
#define HEDDLE_C2 0.24022647738f
#define HEDDLE_C3 0.055503323674f
#define HEDDLE_C4 0.0096184378490f
#define HEDDLE_C5 0.0013398876181f
#define HEDDLE_C6 0.00015353359049f

#define HEDDLE_HEADROOM 8.0f /* weights up to 2^8: far from overflow, and few rescalings */

/* 2^x for x at most 0; the rare path. */
static inline float heddle_exp2(float x) {
    if (!(x >= -126)) {
        return x != x ? x : 0;
    }
    int n = (int)(x - 0.5f);
    float r = x - (float)n;
    float y = 1 + r * (HEDDLE_C1 + r * (HEDDLE_C2 + r * (HEDDLE_C3 + r * (HEDDLE_C4 + r * (HEDDLE_C5 + r * HEDDLE_C6)))));
    uint32_t bits = (uint32_t)(n + 127) << 23;
    float power;
    memcpy(&power, &bits, sizeof power);
    return y * power;
}

#endif
