package dev.heddle.core.cache;

import dev.heddle.core.Stable;
import dev.heddle.core.tensor.Buffer;
import dev.heddle.core.tensor.DataType;
import java.util.List;

/**
 * All pages of K, or all pages of V, of one layer: equally sized segments that hold {@code pagesPerSegment} pages
 * each. Page {@code p} lies in segment {@code p / pagesPerSegment} at page stride {@code p % pagesPerSegment}.
 *
 * @param segments one or more buffers of one memory space
 * @param byteOffset where page 0 of each segment starts in its buffer
 * @param pagesPerSegment pages of a segment, 1 or more (0 only for a cache without pages)
 * @param strides distances in elements
 * @param dtype element type
 * @since 0.1
 */
@Stable
public record KvPlane(
        List<Buffer> segments, long byteOffset, int pagesPerSegment, KvStrides strides, DataType dtype) {
    /** Copies the list. */
    public KvPlane {
        segments = List.copyOf(segments);
    }

    /** Returns the number of pages. */
    public int numPages() {
        return segments.size() * pagesPerSegment;
    }

    /** Returns the buffer that holds a page. */
    public Buffer segmentOf(int page) {
        return segments.get(page / pagesPerSegment);
    }

    /** Returns where a head's elements of a token slot start in the buffer of its page, in bytes. */
    public long byteOffset(int page, int slot, int kvHead) {
        return byteOffset
                + dtype.byteSize()
                        * (page % pagesPerSegment * strides.page() + slot * strides.token()
                                + kvHead * strides.head());
    }
}
