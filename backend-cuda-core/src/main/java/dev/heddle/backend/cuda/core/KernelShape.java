package dev.heddle.backend.cuda.core;

import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.KvQuantisation;
import dev.heddle.core.tensor.DataType;
import dev.heddle.cuda.KernelSource;
import dev.heddle.cuda.decode.DecodeBackend;
import dev.heddle.cuda.decode.DecodeKernel;
import java.util.List;

/**
 * What one compiled kernel is specialised for.
 *
 * @param rows rows of a tile: query rows × query heads of one KV head
 * @param warps warps of a CTA; each has a ring of KV tiles of its own in shared memory
 * @param ctas CTAs that share a multiprocessor
 * @param slots KV tiles in a ring
 * @param tile KV tokens of a tile
 * @param slices lanes that share a token's head dim while scores are computed
 * @param general whether there may be masks, a soft cap, ALiBi, scales per head, or a cache in several segments
 */
record KernelShape(
        int rows,
        int headDimQk,
        int headDimVo,
        DataType kv,
        int warps,
        int ctas,
        int slots,
        int tile,
        int slices,
        boolean general) implements DecodeKernel {
    /** KV tokens of the larger tile; the smaller one has half. */
    static final int TILE = 32;

    static final KernelSource SOURCE =
            DecodeBackend.source(KernelShape.class, "tiles.cu", "decode.cu");
    private static final int STATIC_BYTES = 1024 + 1024; // static variables, and what the driver keeps of each CTA
    private static final int SHORT_ROW = 256; // bytes of a token up to which tiles are large
    private static final int LEAST_CHUNKS = 2; // of V for a small tile: its lanes would outnumber the tokens

    /** Returns the shape for a spec, with tiles of so many rows, for requests of at most so many query rows. */
    static KernelShape of(AttentionSpec spec, int maxQoLen, int rows, int warps, int ctas) {
        // The last row sees every token: a causal mask hides nothing from a request's only row.
        boolean masked = (spec.causal() && maxQoLen > 1) || spec.windowLeft() >= 0;
        int tile = tile(spec);
        return new KernelShape(rows, spec.headDimQk(), spec.headDimVo(), spec.kDtype(), warps, ctas,
                warps * ctas > 8 ? 2 : 3, tile, slices(rows, tile, warps * ctas),
                masked || spec.logitsSoftCap() != 0 || spec.alibi()
                        || spec.kvQuantisation() == KvQuantisation.PER_HEAD);
    }

    /** Returns the tokens of a tile: long rows are taken few at a time, so that more warps have room for their rings. */
    static int tile(AttentionSpec spec) {
        int row = Math.max(spec.headDimQk(), spec.headDimVo()) * spec.kDtype().byteSize();
        return row > SHORT_ROW && spec.headDimVo() / chunk(spec.kDtype()) >= LEAST_CHUNKS ? TILE / 2 : TILE;
    }

    /** Eight slices spare loads of q, but hold the sums of tile / 4 tokens × rows in registers. */
    private static int slices(int rows, int tile, int warps) {
        int most = warps > 12 ? 2 : tile == TILE ? 5 : 8;
        return rows <= most ? 8 : 4;
    }

    @Override
    public KernelShape forAnything() {
        return new KernelShape(rows, headDimQk, headDimVo, kv, warps, ctas, slots, tile, slices, true);
    }

    /** Returns how many warps of a CTA fit in shared memory, at most {@code most}; 0 if not even one does. */
    static int warpsThatFit(AttentionSpec spec, int rows, int ctas, int most, int sharedBytes) {
        for (int warps = most; warps > 0; warps--) {
            if (of(spec, 1, rows, warps, ctas).sharedBytes() + STATIC_BYTES <= sharedBytes / ctas) {
                return warps;
            }
        }
        return 0;
    }

    private static int chunk(DataType kv) {
        return kv.byteSize() == 4 ? 4 : 8;
    }

    /** Returns the floats that a row of q takes in shared memory. */
    private int qPitch() {
        return Math.ceilDiv(headDimQk / chunk(kv), slices) * slices * chunk(kv);
    }

    @Override
    public int sharedBytes() {
        int slot = tile * Math.max(headDimQk, headDimVo) * kv.byteSize();
        int weights = tile * Math.ceilDiv(rows, 4) * 4 * Float.BYTES;
        int rings = rows * qPitch() * Float.BYTES + warps * (slots * slot + weights);
        int states = warps * rows * (headDimVo + 2) * Float.BYTES;
        return Math.max(rings, states);
    }

    @Override
    public KernelSource source() {
        return SOURCE;
    }

    @Override
    public int stateFloats() {
        return rows * headDimVo + Math.ceilDiv(rows, 4) * 4;
    }

    @Override
    public List<String> macros() {
        return List.of("ROWS=" + rows, "DIM_QK=" + headDimQk, "DIM_VO=" + headDimVo,
                "KV_TYPE=" + DecodeKernel.code(kv),
                "WARPS=" + warps, "CTAS=" + ctas, "SLOTS=" + slots, "TILE=" + tile, "SLICES=" + slices,
                "CLUSTER=" + cluster(),
                "GENERAL=" + (general ? 1 : 0), "MAX_HEADS=" + MAX_HEADS, "MAX_SEGMENTS=" + MAX_SEGMENTS);
    }
}
