package dev.heddle.conformance.saboteur;

import dev.heddle.core.tensor.CapturedWork;
import dev.heddle.core.tensor.ExecutionQueue;
import dev.heddle.core.tensor.MemorySpaceId;
import dev.heddle.core.tensor.QueueEvent;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A host queue that records what is enqueued while it captures, and runs it at each replay. */
final class RecordingQueue implements ExecutionQueue {
    private final ExecutionQueue queue;
    private @Nullable List<Runnable> recording;

    RecordingQueue(ExecutionQueue queue) {
        this.queue = queue;
    }

    /** Takes work into the recording, if one is under way. */
    boolean takes(Runnable work) {
        List<Runnable> into = recording;
        return into != null && into.add(work);
    }

    @Override
    public CapturedWork capture(Runnable work) {
        List<Runnable> recorded = new ArrayList<>();
        recording = recorded;
        try {
            work.run();
        } finally {
            recording = null;
        }
        return new CapturedWork() {
            @Override
            public void replay() {
                recorded.forEach(Runnable::run);
            }

            @Override
            public void close() {
                recorded.clear();
            }
        };
    }

    @Override
    public MemorySpaceId space() {
        return queue.space();
    }

    @Override
    public void synchronize() {
        queue.synchronize();
    }

    @Override
    public QueueEvent record() {
        return queue.record();
    }

    @Override
    public void await(QueueEvent event) {
        queue.await(event);
    }

    @Override
    public void close() {
        queue.close();
    }
}
