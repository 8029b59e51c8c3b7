package dev.heddle.core.tensor;

import dev.heddle.core.Evolving;

/**
 * Work recorded once and replayed many times. Plans inside it may be given new page tables between replays
 * ({@code BackendPlan.replan}); buffers stay those of the recording.
 *
 * @since 0.1
 */
@Evolving
public interface CapturedWork extends AutoCloseable {
    /** Enqueues the recorded work again on the queue that recorded it. */
    void replay();

    /** Frees the recording; a second call does nothing. */
    @Override
    void close();
}
