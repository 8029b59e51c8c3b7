package dev.heddle.core.tensor;

import dev.heddle.core.Evolving;

/**
 * A point in a queue's work.
 *
 * @since 0.1
 */
@Evolving
public interface QueueEvent extends AutoCloseable {
    /** Returns whether everything before this point has finished, without waiting. */
    boolean isComplete();

    /** Blocks until everything before this point has finished. */
    void synchronize();

    /** Frees the event; work already waiting for it still waits. */
    @Override
    void close();
}
