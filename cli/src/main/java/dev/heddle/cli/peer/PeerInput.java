package dev.heddle.cli.peer;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.StandardOpenOption;

/**
 * A row's inputs, f32 in the byte order of the machine: Q {@code [total_qo_len, num_qo_heads, head_dim]}, then K and V
 * {@code [total_kv_len, num_kv_heads, head_dim]}, request after request.
 *
 * @param arena owns the mapping
 */
public record PeerInput(Arena arena, MemorySegment q, MemorySegment k, MemorySegment v)
        implements AutoCloseable {
    /**
     * Maps the file that a row names.
     *
     * @throws IOException if it cannot be mapped or has another size than the row says
     */
    public static PeerInput map(PeerRow row) throws IOException {
        long q = (long) Float.BYTES * row.totalQoLen() * row.qoWidth();
        long kv = (long) Float.BYTES * row.totalKvLen() * row.kvWidth();
        Arena arena = Arena.ofShared();
        try (FileChannel file = FileChannel.open(row.input(), StandardOpenOption.READ)) {
            if (file.size() != q + 2 * kv) {
                throw new IOException(row.input() + " has " + file.size() + " bytes, the row needs "
                        + (q + 2 * kv));
            }
            MemorySegment all = file.map(MapMode.READ_ONLY, 0, file.size(), arena);
            return new PeerInput(arena, all.asSlice(0, q), all.asSlice(q, kv), all.asSlice(q + kv, kv));
        } catch (IOException e) {
            arena.close();
            throw e;
        }
    }

    @Override
    public void close() {
        arena.close();
    }
}
