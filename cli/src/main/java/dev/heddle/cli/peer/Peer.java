package dev.heddle.cli.peer;

import java.util.Optional;

/** Another implementation of attention. It needs a public constructor without parameters. */
public interface Peer {
    /** Returns why this implementation cannot run a row, or nothing if it can. */
    Optional<String> refuses(PeerRow row);

    /**
     * Makes a row ready to run: copies inputs to where the implementation wants them, {@link PeerRow#copies} times.
     *
     * @throws PeerException if the implementation fails
     */
    Prepared prepare(PeerRow row, PeerInput input) throws PeerException;

    /** A row that is ready. */
    interface Prepared extends AutoCloseable {
        /**
         * Computes attention on a copy of K and V.
         *
         * @throws PeerException if the implementation fails
         */
        void run(int copy) throws PeerException;

        /** Returns what the last run computed, {@code [total_qo_len, num_qo_heads, head_dim]}. */
        float[] output();

        @Override
        void close() throws PeerException;
    }
}
