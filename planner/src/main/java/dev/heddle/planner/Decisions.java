package dev.heddle.planner;

import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.PlanOptions;
import dev.heddle.core.tensor.MemorySpaceId;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The backends chosen for shape classes, the least recently used forgotten. The first choice of a class stays until
 * something changes: a batch that grows by a token does not hop between backends whose estimates nearly tie.
 */
final class Decisions {
    private static final int LIMIT = 256;

    /** Batches alike up to a factor of two. */
    record ShapeClass(
            AttentionSpec spec,
            List<String> pinned,
            MemorySpaceId space,
            boolean splits,
            boolean partial,
            boolean capture,
            int batchLog2,
            int kvLog2,
            int totalKvLog2,
            int qoLog2) {
        static ShapeClass of(AttentionSpec spec, BatchShape batch, List<String> pinned, PlanOptions options) {
            return new ShapeClass(spec, pinned, options.space(), options.kvSplits() > 0, options.partial(),
                    options.capture(), log2(batch.batchSize()), log2(batch.pageTable().maxKvLen()),
                    log2(batch.pageTable().totalKvLen()), log2(batch.maxQoLen()));
        }

        private static int log2(long value) {
            return 64 - Long.numberOfLeadingZeros(value);
        }
    }

    private final Map<ShapeClass, Backend> chosen = new LinkedHashMap<>(64, 0.75f, true) {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<ShapeClass, Backend> eldest) {
            return size() > LIMIT;
        }
    };

    synchronized @Nullable Backend get(ShapeClass shape) {
        return chosen.get(shape);
    }

    synchronized void put(ShapeClass shape, Backend backend) {
        chosen.put(shape, backend);
    }

    synchronized void clear() {
        chosen.clear();
    }

    synchronized int size() {
        return chosen.size();
    }
}
