package dev.heddle.conformance.saboteur;

import dev.heddle.core.tensor.Buffer;
import dev.heddle.core.tensor.ExecutionQueue;
import dev.heddle.core.tensor.MemorySpace;
import dev.heddle.core.tensor.MemorySpaceId;
import java.lang.foreign.MemorySegment;

/** Another space, with queues that record. */
record RecordingSpace(MemorySpace space) implements MemorySpace {
    @Override
    public MemorySpaceId id() {
        return space.id();
    }

    @Override
    public Buffer allocate(long byteSize, long byteAlignment) {
        return space.allocate(byteSize, byteAlignment);
    }

    @Override
    public void copyFromHost(MemorySegment source, Buffer target, long targetOffset, ExecutionQueue queue) {
        space.copyFromHost(source, target, targetOffset, queue);
    }

    @Override
    public void copyToHost(Buffer source, long sourceOffset, MemorySegment target, ExecutionQueue queue) {
        space.copyToHost(source, sourceOffset, target, queue);
    }

    @Override
    public void copy(Buffer source, long sourceOffset, Buffer target, long targetOffset, long byteSize,
            ExecutionQueue queue) {
        space.copy(source, sourceOffset, target, targetOffset, byteSize, queue);
    }

    @Override
    public ExecutionQueue defaultQueue() {
        return space.defaultQueue();
    }

    @Override
    public ExecutionQueue newQueue() {
        return new RecordingQueue(space.newQueue());
    }

    @Override
    public void close() {
        space.close();
    }
}
