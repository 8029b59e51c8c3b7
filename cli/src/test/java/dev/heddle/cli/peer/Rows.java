package dev.heddle.cli.peer;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;

/** Small rows with inputs in a folder. */
final class Rows {
    private Rows() {}

    /** Two requests, 4/2 heads, head dim 8; the inputs are a sequence of small values. */
    static PeerRow small(Path folder, String kvDtype) throws IOException {
        PeerRow row = new PeerRow(4, 2, 8, new int[]{1, 3}, new int[]{5, 3}, true, kvDtype, 1, 1, 2, 3, 1, 1,
                folder.resolve("input.f32"), folder.resolve("output.f32"));
        int floats = row.totalQoLen() * row.qoWidth() + 2 * row.totalKvLen() * row.kvWidth();
        ByteBuffer bytes = ByteBuffer.allocate(floats * Float.BYTES).order(ByteOrder.nativeOrder());
        for (int i = 0; i < floats; i++) {
            bytes.putFloat(i * 37 % 64 / 32f - 1);
        }
        Files.write(row.input(), bytes.array());
        return row;
    }

    /** Returns what attention gives by its definition, in double. */
    static float[] expected(PeerRow row) throws IOException {
        ByteBuffer values = ByteBuffer.wrap(Files.readAllBytes(row.input())).order(ByteOrder.nativeOrder());
        int dim = row.headDim();
        int kAt = row.totalQoLen() * row.qoWidth();
        int vAt = kAt + row.totalKvLen() * row.kvWidth();
        float[] out = new float[kAt];
        int qoRow = 0;
        int token = 0;
        for (int b = 0; b < row.batch(); b++) {
            for (int r = 0; r < row.qoLens()[b]; r++, qoRow++) {
                for (int h = 0; h < row.numQoHeads(); h++) {
                    int q = qoRow * row.qoWidth() + h * dim;
                    int kv = token * row.kvWidth() + h * row.numKvHeads() / row.numQoHeads() * dim;
                    double[] sums = new double[dim];
                    double all = 0;
                    for (int t = 0; t < row.kvLens()[b] - row.qoLens()[b] + r + 1; t++) {
                        double dot = 0;
                        for (int d = 0; d < dim; d++) {
                            dot += (double) at(values, q + d) * at(values, kAt + kv + t * row.kvWidth() + d);
                        }
                        double weight = Math.exp(dot / Math.sqrt(dim));
                        all += weight;
                        for (int d = 0; d < dim; d++) {
                            sums[d] += weight * at(values, vAt + kv + t * row.kvWidth() + d);
                        }
                    }
                    for (int d = 0; d < dim; d++) {
                        out[q + d] = (float) (sums[d] / all);
                    }
                }
            }
            token += row.kvLens()[b];
        }
        return out;
    }

    private static float at(ByteBuffer values, int index) {
        return values.getFloat(index * Float.BYTES);
    }

    static float[] floats(Path file) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.nativeOrder());
        float[] values = new float[bytes.remaining() / Float.BYTES];
        bytes.asFloatBuffer().get(values);
        return values;
    }
}
