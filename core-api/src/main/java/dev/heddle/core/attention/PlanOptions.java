package dev.heddle.core.attention;

import dev.heddle.core.Evolving;
import dev.heddle.core.tensor.ExecutionQueue;
import dev.heddle.core.tensor.MemorySpaceId;
import org.jspecify.annotations.Nullable;

/**
 * What a caller asks of one plan beyond spec and batch.
 *
 * @param space memory space that q, out and the KV cache lie in
 * @param queue queue that runs are enqueued on, or null for the space's default queue
 * @param kvSplits number of parts that each KV sequence is cut into; 0 leaves it to the backend
 * @param partial whether the output is one part of a result, to be merged by {@link PartialResults}
 * @param capture whether runs will be captured
 * @since 0.1
 */
@Evolving
public record PlanOptions(
        MemorySpaceId space, @Nullable ExecutionQueue queue, int kvSplits, boolean partial, boolean capture) {
    /** Host memory, the default queue, nothing forced. */
    public static final PlanOptions DEFAULT = in(MemorySpaceId.HOST);

    /**
     * Checks the values.
     *
     * @throws IllegalArgumentException if {@code kvSplits} is negative or the queue belongs to another space
     */
    public PlanOptions {
        if (kvSplits < 0) {
            throw new IllegalArgumentException("kvSplits must be 0 (automatic) or more, got " + kvSplits);
        }
        if (queue != null && !queue.space().equals(space)) {
            throw new IllegalArgumentException(
                    "the queue belongs to " + queue.space() + ", the plan runs in " + space);
        }
    }

    /** Returns default options for a memory space. */
    public static PlanOptions in(MemorySpaceId space) {
        return new PlanOptions(space, null, 0, false, false);
    }

    /** Returns these options with runs enqueued on a queue of its space. */
    public PlanOptions onQueue(ExecutionQueue target) {
        return new PlanOptions(target.space(), target, kvSplits, partial, capture);
    }

    /** Returns these options with a forced number of KV splits. */
    public PlanOptions withKvSplits(int splits) {
        return new PlanOptions(space, queue, splits, partial, capture);
    }

    /** Returns these options for one part of a result: f32 output and LSE. */
    public PlanOptions asPartial() {
        return new PlanOptions(space, queue, kvSplits, true, capture);
    }

    /** Returns these options for runs that will be captured. */
    public PlanOptions forCapture() {
        return new PlanOptions(space, queue, kvSplits, partial, true);
    }
}
