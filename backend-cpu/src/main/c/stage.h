/* Rows of K and V as rows of tiles: where they lie, or staged as bf16. Processors with AMX convert integers to f16 too. */
#ifndef HEDDLE_STAGE_H
#define HEDDLE_STAGE_H

#include "bf16.h"
#include "blocks.h"

/* 64 floats of 8 bits, in the order that takes least: see staged_place. */
INLINE void stage_64_floats(const int type, __m512i x, uint16_t *to) {
    const uint8_t *bytes = table_bytes(type);
    const __m512i upper[2] = {_mm512_load_si512(bytes), _mm512_load_si512(bytes + 64)};
    const __m512i lower[2] = {_mm512_load_si512(bytes + 128), _mm512_load_si512(bytes + 192)};
    __m512i up = _mm512_ternarylogic_epi64(look_up(upper, x), x, _mm512_set1_epi8((char)0x80), 0xF8); /* a | b & c */
    __m512i low = look_up(lower, x);
    _mm512_storeu_si512(to, _mm512_unpacklo_epi8(low, up));
    _mm512_storeu_si512(to + 32, _mm512_unpackhi_epi8(low, up));
}

INLINE void stage_32_integers(__m256i bytes, uint16_t *to) {
    __m512i x = _mm512_cvtepi8_epi16(bytes);
    /* The exponent of an f16 is 112 less than that of a bf16, and its last three bits are 0 here. */
    __m512i bits = _mm512_and_si512(_mm512_srai_epi16((__m512i)_mm512_cvtepi16_ph(x), 3), _mm512_set1_epi16((short)0x8FFF));
    _mm512_storeu_si512(to, _mm512_maskz_add_epi16(_mm512_test_epi16_mask(x, x), bits, _mm512_set1_epi16(112 << 7)));
}

/* A row of 8 bits, padded with zeros to a multiple of 64 elements. */
INLINE void stage_8bit(const int type, const char *row, int dim, uint16_t *to) {
    int d = 0;
    for (; d + 64 <= dim; d += 64) {
        if (type == HEDDLE_INT8) {
            stage_32_integers(_mm256_loadu_si256((const __m256i *)(row + d)), to + d);
            stage_32_integers(_mm256_loadu_si256((const __m256i *)(row + d + 32)), to + d + 32);
        } else {
            stage_64_floats(type, _mm512_loadu_si512(row + d), to + d);
        }
    }
    if (d < dim) {
        __m512i x = _mm512_maskz_loadu_epi8((1ull << (dim - d)) - 1, row + d);
        if (type == HEDDLE_INT8) {
            stage_32_integers(_mm512_castsi512_si256(x), to + d);
            stage_32_integers(_mm512_extracti64x4_epi64(x, 1), to + d + 32);
        } else {
            stage_64_floats(type, x, to + d);
        }
    }
}

/* Where a staged row has eight elements. */
INLINE int staged_place(int type, int d) {
    return type == HEDDLE_E4M3 || type == HEDDLE_E5M2 ? d / 64 * 64 + d % 16 / 8 * 32 + d % 64 / 16 * 8 : d;
}

typedef struct {
    const char *const *rows; /* of the first head */
    int64_t head;
    int32_t type, dim, padded, here; /* here: rows of a page are rows of a tile */
    uint16_t *staged;        /* [2][BLOCK][padded] */
} plane;

INLINE uint16_t *staged_row(const plane *p, int h, int token) {
    return p->staged + (int64_t)((h & 1) * BLOCK + token) * p->padded;
}

/* Sixteen rows that are no tile where they lie. */
INLINE int must_stage(const plane *p, const block *b, int sub) {
    return !p->here || !(b->regular >> sub & 1);
}

INLINE void stage_rows(const int type, const plane *p, const block *b, int h) {
    for (int sub = 0; 16 * sub < b->tokens; sub++) {
        if (!must_stage(p, b, sub)) {
            continue;
        }
        uint16_t *to = staged_row(p, h, 16 * sub);
        for (int t = 16 * sub; t < 16 * sub + 16; t++, to += p->padded) {
            if (t >= b->tokens) {
                memset(to, 0, sizeof(uint16_t) * (size_t)p->padded);
            } else if (type == HEDDLE_BF16) {
                stage_bf16(p->rows[t] + h * p->head, type, p->dim, to);
            } else {
                stage_8bit(type, p->rows[t] + h * p->head, p->dim, to);
            }
        }
    }
}

static void stage(const plane *p, const block *b, int h) {
    switch (p->type) {
    case HEDDLE_BF16: stage_rows(HEDDLE_BF16, p, b, h); break;
    case HEDDLE_INT8: stage_rows(HEDDLE_INT8, p, b, h); break;
    case HEDDLE_E4M3: stage_rows(HEDDLE_E4M3, p, b, h); break;
    default: stage_rows(HEDDLE_E5M2, p, b, h); break;
    }
}

INLINE void find(const plane *p, const block *b, int h, int64_t token, const char **at, int64_t *by) {
    for (int sub = 0; sub < SUBS; sub++) {
        if (16 * sub >= b->tokens || must_stage(p, b, sub)) {
            at[sub] = (const char *)staged_row(p, h, 16 * sub);
            by[sub] = 2 * p->padded;
        } else {
            at[sub] = p->rows[16 * sub] + h * p->head;
            by[sub] = token;
        }
    }
}

#endif
