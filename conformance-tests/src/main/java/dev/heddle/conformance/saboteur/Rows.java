package dev.heddle.conformance.saboteur;

import dev.heddle.conformance.saboteur.Wrapper.Run;
import dev.heddle.core.tensor.DataType;
import dev.heddle.core.tensor.HostTensors;
import dev.heddle.core.tensor.Tensor;

/** Changes what a run has written, row by row, in host memory. */
final class Rows {
    /** Returns another number in place of one. */
    @FunctionalInterface
    interface Change {
        float of(float value);
    }

    private Rows() {}

    /** Changes every element of out of one request. */
    static void changeOut(Run run, int request, Change change) {
        Tensor out = run.out();
        for (int row = run.batch().qoIndptr(request); row < run.batch().qoIndptr(request + 1); row++) {
            for (int head = 0; head < run.spec().numQoHeads(); head++) {
                long at = out.byteOffset()
                        + out.dtype().byteSize() * (row * out.stride(0) + head * out.stride(1));
                for (int d = 0; d < run.spec().headDimVo(); d++) {
                    change(out, at + (long) d * out.dtype().byteSize(), change);
                }
            }
        }
    }

    /** Changes the LSE of every row and head of one request, where there is one. */
    static void changeLse(Run run, int request, Change change) {
        Tensor lse = run.lse();
        if (lse == null) {
            return;
        }
        for (int row = run.batch().qoIndptr(request); row < run.batch().qoIndptr(request + 1); row++) {
            for (int head = 0; head < run.spec().numQoHeads(); head++) {
                change(lse, lse.byteOffset() + DataType.F32.byteSize() * (row * lse.stride(0) + head),
                        change);
            }
        }
    }

    private static void change(Tensor tensor, long at, Change change) {
        var memory = HostTensors.segment(tensor.buffer());
        float value = HostTensors.get(memory, tensor.dtype(), at);
        HostTensors.set(memory, tensor.dtype(), at, change.of(value));
    }
}
