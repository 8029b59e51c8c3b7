package dev.heddle.backend.cpu;

import dev.heddle.backend.cpu.ffm.NativeKernels;
import dev.heddle.conformance.input.Output;
import dev.heddle.conformance.input.Request;
import dev.heddle.conformance.input.RequestBuilder;
import dev.heddle.conformance.oracle.Expected;
import dev.heddle.conformance.oracle.Oracle;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.KvLayout;
import dev.heddle.core.tensor.DataType;

/**
 * What {@link InstructionSetTest} runs: every stored type, groups of all block sizes, dims that end within a vector;
 * single query rows, and tiles of them with each feature.
 */
final class NativeAgainstOracle {
    private static final int[] GROUPS = {1, 2, 3, 4, 5, 7, 8, 9, 13, 17};
    private static final int[] DIMS = {8, 40, 96, 128};
    private static final int[] PAGES = {1, 5, 16};

    private NativeAgainstOracle() {}

    static void main() {
        System.out.println("ran " + NativeKernels.get().instructionSet().id());
        int seed = 0;
        try (Opened opened = new Opened(new CpuNativeBackendProvider(), 2)) {
            for (DataType kv : DataType.values()) {
                for (int group : GROUPS) {
                    for (int dim : DIMS) {
                        seed++;
                        check(opened, kv, group, dim, PAGES[seed % PAGES.length], seed,
                                seed % 2 == 0 ? DataType.F32 : DataType.BF16);
                    }
                }
            }
        }
    }

    private static void check(Opened opened, DataType kv, int group, int dim, int pageSize, int seed,
            DataType dtype) {
        AttentionSpec spec = AttentionSpec.builder().numQoHeads(3 * group).numKvHeads(3).headDim(dim)
                .dtype(dtype).kvDtype(kv).pageSize(pageSize).kvLayout(KvLayout.values()[seed / 2 % 2])
                .windowLeft(seed % 5 == 0 ? 600 : -1).build();
        check(opened, RequestBuilder.of(spec).kvLens(1 + seed % 40, 0, 700).seed(seed).build());
        AttentionSpec tiles = AttentionSpec.builder().numQoHeads(2 * group).numKvHeads(2)
                .headDim(dim, DIMS[seed % DIMS.length]).dtype(dtype).kvDtype(kv).pageSize(pageSize)
                .kvLayout(KvLayout.values()[seed / 2 % 2]).causal(seed % 4 != 0)
                .windowLeft(seed % 5 == 0 ? 150 : -1).logitsSoftCap(seed % 3 == 0 ? 20 : 0)
                .alibi(seed % 4 == 1).sinks(seed % 4 == 2).customMask(seed % 7 == 0).build();
        RequestBuilder builder = RequestBuilder.of(tiles).qoLens(2 + seed % 5, 90, 3)
                .kvLens(1 + seed % 40, 90 + seed % 60, 700).seed(seed);
        if (tiles.customMask()) {
            builder.mask((i, row, key) -> (row + key) % 3 != 0);
        }
        check(opened, builder.build());
    }

    private static void check(Opened opened, Request request) {
        AttentionSpec spec = request.spec();
        Output output = opened.run(request);
        Expected exact = Oracle.attend(spec, request.batch(), request.q(), request.kv(), request.heads());
        double largest = 1;
        for (double value : exact.out()) {
            largest = Math.max(largest, Math.abs(value));
        }
        compare(spec, "out", output.out(), exact.out(),
                largest * (spec.outDtype() == DataType.BF16 ? 0.01 : 2e-5));
        compare(spec, "lse", output.lse(), exact.lse(), 1e-3);
    }

    private static void compare(AttentionSpec spec, String what, float[] got, double[] exact, double bound) {
        for (int i = 0; i < got.length; i++) {
            if (got[i] != exact[i] && !(Math.abs(got[i] - exact[i]) <= bound)) {
                throw new AssertionError(
                        what + " " + i + " is " + got[i] + ", not " + exact[i] + ": " + spec);
            }
        }
    }
}
