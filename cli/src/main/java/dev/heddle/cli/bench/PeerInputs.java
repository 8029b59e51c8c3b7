package dev.heddle.cli.bench;

import dev.heddle.cli.input.Case;
import dev.heddle.core.cache.KvPlane;
import dev.heddle.core.page.PageTable;
import dev.heddle.core.tensor.HostTensors;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.IntToDoubleFunction;

/** Writes a case for peers: the same values as f32, K and V without pages. */
final class PeerInputs {
    private PeerInputs() {}

    /** Writes Q, then K and V request after request. */
    static void write(Case input, Path file) throws IOException {
        try (OutputStream out = Files.newOutputStream(file)) {
            float[] q = HostTensors.toFloats(input.q());
            write(out, q);
            write(out, input, input.kv().k(), input.kv().scales()::k);
            write(out, input, input.kv().v(), input.kv().scales()::v);
        }
    }

    private static void write(OutputStream out, Case input, KvPlane plane, IntToDoubleFunction scale)
            throws IOException {
        PageTable pages = input.batch().pageTable();
        int heads = input.spec().numKvHeads();
        int dim = input.spec().headDimQk();
        int size = plane.dtype().byteSize();
        float[] token = new float[heads * dim];
        for (int request = 0; request < input.batch().batchSize(); request++) {
            for (int t = 0; t < input.batch().kvLen(request); t++) {
                int page = pages.pageOf(request, t);
                var segment = HostTensors.segment(plane.segmentOf(page));
                for (int head = 0; head < heads; head++) {
                    long at = plane.byteOffset(page, t % pages.pageSize(), head);
                    float factor = (float) scale.applyAsDouble(head);
                    for (int d = 0; d < dim; d++) {
                        token[head * dim + d] =
                                HostTensors.get(segment, plane.dtype(), at + (long) d * size) * factor;
                    }
                }
                write(out, token);
            }
        }
    }

    private static void write(OutputStream out, float[] values) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(values.length * Float.BYTES).order(ByteOrder.nativeOrder());
        bytes.asFloatBuffer().put(values);
        out.write(bytes.array());
    }

    /** Reads a peer's result. */
    static float[] read(Path file) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        float[] values = new float[bytes.length / Float.BYTES];
        ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder()).asFloatBuffer().get(values);
        return values;
    }
}
