package dev.heddle.cuda.decode;

import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.HeadParameters;
import dev.heddle.core.attention.PlanOptions;
import dev.heddle.core.cache.KvCacheView;
import dev.heddle.core.spi.BackendPlan;
import dev.heddle.core.spi.Schedule;
import dev.heddle.core.tensor.ExecutionQueue;
import dev.heddle.core.tensor.Tensor;
import dev.heddle.cuda.CudaKernel;
import dev.heddle.cuda.CudaQueue;
import org.jspecify.annotations.Nullable;

/** A schedule on the device and the kernel that runs it. */
final class DecodePlan implements BackendPlan {
    private final DecodeBackend backend;
    private final AttentionSpec spec;
    private final PlanOptions options;
    private final CudaQueue queue;
    private final DecodeKernel shape;
    private final CudaKernel kernel;
    private final DecodeArguments arguments;
    private final DeviceSchedule device;
    private DecodeSchedule schedule;
    private boolean evictFirst;
    private @Nullable CudaKernel segmentKernel;
    private @Nullable DecodeArguments segmentArguments;

    DecodePlan(DecodeBackend backend, AttentionSpec spec, BatchShape batch, PlanOptions options,
            CudaQueue queue) {
        this.backend = backend;
        this.spec = spec;
        this.options = options;
        this.queue = queue;
        this.shape = backend.shape(spec, batch, options);
        this.kernel = backend.kernel(shape);
        this.schedule = cut(batch);
        this.evictFirst = backend.evictFirst(spec, batch);
        this.device =
                new DeviceSchedule(backend.space(), queue, schedule, batch.pageTable(), shape.stateFloats(),
                        options.capture());
        this.arguments = new DecodeArguments(shape, spec);
        bindSchedule(arguments);
    }

    private DecodeSchedule cut(BatchShape batch) {
        return DecodeSchedule.of(spec, batch, shape.rows(), shape.cluster(),
                shape.atOnce(backend.multiprocessors()), options.kvSplits(), DecodeKernel.MOST_PARTS);
    }

    private void bindSchedule(DecodeArguments target) {
        target.schedule(device.units(), device.pages(), device.partials(), device.arrived(), evictFirst);
    }

    @Override
    public void run(Tensor q, KvCacheView kv, Tensor out, @Nullable Tensor lse, HeadParameters heads) {
        if (schedule.count() == 0 && !options.capture()) {
            return; // no query rows
        }
        if (kv.k().segments().size() > 1 || kv.v().segments().size() > 1) {
            launchSegments(q, kv, out, lse, heads);
        } else {
            arguments.tensors(q, kv, out, lse, heads);
            launch(kernel, arguments);
        }
    }

    private void launchSegments(Tensor q, KvCacheView kv, Tensor out, @Nullable Tensor lse,
            HeadParameters heads) {
        int segments = Math.max(kv.k().segments().size(), kv.v().segments().size());
        if (segments > DecodeKernel.MAX_SEGMENTS) {
            throw new IllegalArgumentException(
                    "the KV cache has " + segments + " segments; backend " + backend.id() + " reads at"
                            + " most " + DecodeKernel.MAX_SEGMENTS + ": use larger segments");
        }
        if (segmentKernel == null || segmentArguments == null) {
            segmentKernel = backend.kernel(shape.forAnything());
            segmentArguments = new DecodeArguments(shape.forAnything(), spec);
            bindSchedule(segmentArguments);
        }
        segmentArguments.tensors(q, kv, out, lse, heads);
        launch(segmentKernel, segmentArguments);
    }

    private void launch(CudaKernel target, DecodeArguments with) {
        target.launch(queue, device.capacity(), 1, 1, shape.warps() * 32, shape.sharedBytes(), with.block());
    }

    @Override
    public boolean replan(BatchShape batch) {
        DecodeKernel wanted = backend.shape(spec, batch, options);
        // Captured work keeps its kernel, which may be less than the best for the new batch but must be able to run it.
        if (options.capture() ? wanted.general() && !shape.general() : !wanted.equals(shape)) {
            return false;
        }
        DecodeSchedule next = cut(batch);
        if (!device.replace(next, batch.pageTable())) {
            return false;
        }
        schedule = next;
        if (!options.capture()) { // captured arguments are those of the recording
            evictFirst = backend.evictFirst(spec, batch);
        }
        bindSchedule(arguments);
        if (segmentArguments != null) {
            bindSchedule(segmentArguments);
        }
        return true;
    }

    @Override
    public ExecutionQueue queue() {
        return queue;
    }

    @Override
    public Schedule schedule() {
        return new Schedule(schedule.count(), schedule.maxParts(), device.workspaceBytes());
    }

    @Override
    public void close() {
        device.close();
    }
}
