package dev.heddle.core.cache;

import dev.heddle.core.Stable;
import dev.heddle.core.tensor.HostTensors;
import java.lang.foreign.MemorySegment;

/**
 * Reads and writes single heads of a host KV cache as floats: for engines that append a few tokens a step, for
 * tests and for files. Stored values are divided and multiplied by the cache's scales.
 *
 * @since 0.1
 */
@Stable
public final class HostKvAccess {
    private HostKvAccess() {}

    /** Stores a key: {@code headDimQk} values from {@code source[offset]} on, quantised by the view's scales. */
    public static void putKey(KvCacheView view, int page, int slot, int kvHead, float[] source, int offset) {
        put(view.k(), page, slot, kvHead, source, offset, view.headDimQk(), view.scales().k(kvHead));
    }

    /** Stores a value: {@code headDimVo} values from {@code source[offset]} on, quantised by the view's scales. */
    public static void putValue(KvCacheView view, int page, int slot, int kvHead, float[] source,
            int offset) {
        put(view.v(), page, slot, kvHead, source, offset, view.headDimVo(), view.scales().v(kvHead));
    }

    /** Reads a key, scaled, into {@code target[offset]} and on. */
    public static void getKey(KvCacheView view, int page, int slot, int kvHead, float[] target, int offset) {
        get(view.k(), page, slot, kvHead, target, offset, view.headDimQk(), view.scales().k(kvHead));
    }

    /** Reads a value, scaled, into {@code target[offset]} and on. */
    public static void getValue(KvCacheView view, int page, int slot, int kvHead, float[] target,
            int offset) {
        get(view.v(), page, slot, kvHead, target, offset, view.headDimVo(), view.scales().v(kvHead));
    }

    private static void put(
            KvPlane plane, int page, int slot, int kvHead, float[] source, int offset, int dim, float scale) {
        MemorySegment segment = HostTensors.segment(plane.segmentOf(page));
        long at = plane.byteOffset(page, slot, kvHead);
        HostTensors.set(segment, plane.dtype(), at, source, offset, dim, scale);
    }

    private static void get(
            KvPlane plane, int page, int slot, int kvHead, float[] target, int offset, int dim, float scale) {
        MemorySegment segment = HostTensors.segment(plane.segmentOf(page));
        long at = plane.byteOffset(page, slot, kvHead);
        HostTensors.get(segment, plane.dtype(), at, target, offset, dim, scale);
    }
}
