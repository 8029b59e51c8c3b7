package dev.heddle.cuda.decode;

import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.HeadParameters;
import dev.heddle.core.attention.PlanOptions;
import dev.heddle.core.cache.KvCacheView;
import dev.heddle.core.tensor.Tensor;
import dev.heddle.cuda.CudaKernel;
import dev.heddle.cuda.CudaQueue;
import org.jspecify.annotations.Nullable;

/** A kernel, and on the device the schedule that it runs: all of a batch, or those requests that take this kernel. */
final class DecodeLaunch implements AutoCloseable {
    private final DecodeBackend backend;
    private final AttentionSpec spec;
    private final CudaQueue queue;
    private final DecodeKernel shape;
    private final CudaKernel kernel;
    private final DecodeArguments arguments;
    private final DeviceSchedule device;
    private final boolean capture;
    private DecodeSchedule schedule;
    private @Nullable CudaKernel segmentKernel;
    private @Nullable DecodeArguments segmentArguments;

    DecodeLaunch(DecodeBackend backend, AttentionSpec spec, BatchShape batch, DecodeKernel shape,
            DecodeSchedule schedule, PlanOptions options, CudaQueue queue) {
        this.backend = backend;
        this.spec = spec;
        this.queue = queue;
        this.shape = shape;
        this.schedule = schedule;
        this.capture = options.capture();
        this.kernel = backend.kernel(shape);
        this.device = new DeviceSchedule(backend.space(), queue, schedule, batch.pageTable(),
                shape.stateFloats(), capture);
        this.arguments = new DecodeArguments(shape, spec);
        bind(backend.evictFirst(spec, batch));
    }

    DecodeKernel shape() {
        return shape;
    }

    DecodeSchedule schedule() {
        return schedule;
    }

    long workspaceBytes() {
        return device.workspaceBytes();
    }

    private void bind(boolean evictFirst) {
        bind(arguments, evictFirst);
        if (segmentArguments != null) {
            bind(segmentArguments, evictFirst);
        }
    }

    private void bind(DecodeArguments target, boolean evictFirst) {
        target.schedule(device.units(), device.pages(), device.partials(), device.arrived(), evictFirst);
    }

    void run(Tensor q, KvCacheView kv, Tensor out, @Nullable Tensor lse, HeadParameters heads) {
        if (schedule.count() == 0 && !capture) {
            return; // no query rows
        }
        int segments = Math.max(kv.k().segments().size(), kv.v().segments().size());
        if (segments > 1) {
            launchSegments(segments, q, kv, out, lse, heads);
        } else {
            arguments.tensors(q, kv, out, lse, heads);
            launch(kernel, arguments);
        }
    }

    private void launchSegments(int segments, Tensor q, KvCacheView kv, Tensor out, @Nullable Tensor lse,
            HeadParameters heads) {
        if (segments > DecodeKernel.MAX_SEGMENTS) {
            throw new IllegalArgumentException(
                    "the KV cache has " + segments + " segments; backend " + backend.id() + " reads at"
                            + " most " + DecodeKernel.MAX_SEGMENTS + ": use larger segments");
        }
        if (segmentKernel == null || segmentArguments == null) {
            segmentKernel = backend.kernel(shape.forAnything());
            segmentArguments = new DecodeArguments(shape.forAnything(), spec);
            bind(segmentArguments, arguments.evictFirst());
        }
        segmentArguments.tensors(q, kv, out, lse, heads);
        launch(segmentKernel, segmentArguments);
    }

    private void launch(CudaKernel target, DecodeArguments with) {
        target.launch(queue, device.capacity(), 1, 1, shape.warps() * 32, shape.sharedBytes(), with.block());
    }

    boolean fits(DecodeSchedule next, BatchShape batch) {
        return device.fits(next, batch.pageTable());
    }

    /** Takes a schedule that {@link #fits}. */
    void replace(DecodeSchedule next, BatchShape batch) {
        device.replace(next, batch.pageTable());
        schedule = next;
        // Captured arguments are those of the recording.
        bind(capture ? arguments.evictFirst() : backend.evictFirst(spec, batch));
    }

    @Override
    public void close() {
        device.close();
        arguments.close();
        if (segmentArguments != null) {
            segmentArguments.close();
        }
    }
}
