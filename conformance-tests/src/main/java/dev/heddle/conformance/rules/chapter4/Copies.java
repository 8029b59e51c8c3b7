package dev.heddle.conformance.rules.chapter4;

import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.cache.KvCacheView;

/** Views of the same memory with other scales. */
final class Copies {
    private Copies() {}

    static KvCacheView sameScales(KvCacheView memory, KvCacheView scales, AttentionSpec spec) {
        return KvCacheView.builder(spec, memory.k().pagesPerSegment())
                .k(memory.k().segments(), memory.k().byteOffset(), memory.k().strides())
                .v(memory.v().segments(), memory.v().byteOffset(), memory.v().strides())
                .scales(scales.scales())
                .build();
    }
}
