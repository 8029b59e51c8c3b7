package dev.heddle.conformance.rules.chapter4;

import dev.heddle.conformance.NotDeclaredException;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.cache.KvCacheView;
import dev.heddle.core.cache.KvPlane;
import dev.heddle.core.cache.KvScales;
import dev.heddle.core.tensor.Buffer;
import dev.heddle.core.tensor.HostBuffer;
import dev.heddle.core.tensor.HostTensors;
import dev.heddle.core.tensor.MemorySpace;
import dev.heddle.core.tensor.OutOfDeviceMemoryException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;

/**
 * A cache of several GiB of which a few pages are touched: a sparse file, deleted at once, on the host; an
 * allocation elsewhere. One buffer holds K, one V.
 */
final class FarCache implements AutoCloseable {
    private final MemorySpace space;
    private final List<Buffer> buffers;
    private final Runnable close;

    private FarCache(MemorySpace space, List<Buffer> buffers, Runnable close) {
        this.space = space;
        this.buffers = buffers;
        this.close = close;
    }

    static FarCache open(MemorySpace space, AttentionSpec spec, int pages) {
        long[] sizes = {spec.kBytesPerPage() * pages, spec.vBytesPerPage() * pages};
        return space.id().isHost() ? mapped(space, sizes) : allocated(space, sizes);
    }

    private static FarCache mapped(MemorySpace space, long[] sizes) {
        Arena arena = Arena.ofShared();
        try {
            List<Buffer> buffers = new ArrayList<>();
            for (long size : sizes) {
                Path file = Files.createTempFile("heddle-far", ".kv");
                try (FileChannel channel = FileChannel.open(
                        file, StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.SPARSE)) {
                    buffers.add(HostBuffer.wrap(channel.map(FileChannel.MapMode.READ_WRITE, 0, size, arena)));
                } finally {
                    Files.delete(file); // the mapping keeps what was written until it is closed
                }
            }
            return new FarCache(space, buffers, arena::close);
        } catch (IOException | UnsupportedOperationException e) {
            arena.close();
            throw new NotDeclaredException(
                    "a sparse file of " + sizes[0] + " bytes cannot be mapped here: " + e);
        }
    }

    private static FarCache allocated(MemorySpace space, long[] sizes) {
        List<Buffer> buffers = new ArrayList<>();
        try {
            for (long size : sizes) {
                buffers.add(space.allocate(size, 256));
            }
        } catch (OutOfDeviceMemoryException e) {
            buffers.forEach(Buffer::close);
            throw new NotDeclaredException(
                    "the device has too little memory for this case: " + e.getMessage());
        }
        return new FarCache(space, buffers, () -> buffers.forEach(Buffer::close));
    }

    /** Copies a page of a small host cache. */
    void put(KvCacheView from, int page, int to) {
        put(from.k(), 0, page, to);
        put(from.v(), 1, page, to);
    }

    private void put(KvPlane plane, int buffer, int page, int to) {
        long bytes = plane.strides().page() * plane.dtype().byteSize();
        MemorySegment source =
                HostTensors.segment(plane.segmentOf(page)).asSlice(plane.byteOffset(page, 0, 0), bytes);
        space.copyFromHost(source, buffers.get(buffer), to * bytes, space.defaultQueue());
        space.defaultQueue().synchronize();
    }

    KvCacheView view(AttentionSpec spec, int pages, KvScales scales) {
        return KvCacheView.builder(spec, pages)
                .k(buffers.subList(0, 1)).v(buffers.subList(1, 2)).scales(scales).build();
    }

    @Override
    public void close() {
        close.run();
    }
}
