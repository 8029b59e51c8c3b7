package dev.heddle.core.tensor;

/** The host's queue: work has finished when the call that enqueued it returns. */
final class HostQueue implements ExecutionQueue {
    private static final QueueEvent COMPLETE = new QueueEvent() {
        @Override
        public boolean isComplete() {
            return true;
        }

        @Override
        public void synchronize() {}

        @Override
        public void close() {}
    };

    private final boolean ofSpace;
    private volatile boolean closed;

    /** Makes a queue; one that belongs to its space ignores {@link #close()}. */
    HostQueue(boolean ofSpace) {
        this.ofSpace = ofSpace;
    }

    @Override
    public MemorySpaceId space() {
        return MemorySpaceId.HOST;
    }

    @Override
    public void synchronize() {
        requireOpen();
    }

    @Override
    public QueueEvent record() {
        requireOpen();
        return COMPLETE;
    }

    @Override
    public void await(QueueEvent event) {
        requireOpen();
        event.synchronize();
    }

    @Override
    public void close() {
        closed = !ofSpace;
    }

    private void requireOpen() {
        if (closed) {
            throw new IllegalStateException("host queue is closed");
        }
    }
}
