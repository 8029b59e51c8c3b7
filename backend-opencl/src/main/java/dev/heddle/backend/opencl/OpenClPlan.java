package dev.heddle.backend.opencl;

import dev.heddle.backend.opencl.device.OpenClBuffer;
import dev.heddle.backend.opencl.device.OpenClKernel;
import dev.heddle.backend.opencl.device.OpenClQueue;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.Determinism;
import dev.heddle.core.attention.HeadParameters;
import dev.heddle.core.attention.KvQuantisation;
import dev.heddle.core.attention.PlanOptions;
import dev.heddle.core.cache.KvCacheView;
import dev.heddle.core.cache.KvPlane;
import dev.heddle.core.cache.KvScales;
import dev.heddle.core.spi.BackendPlan;
import dev.heddle.core.spi.Schedule;
import dev.heddle.core.tensor.ExecutionQueue;
import dev.heddle.core.tensor.Tensor;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A schedule on the device, and the kernels that run it. */
final class OpenClPlan implements BackendPlan {
    private static final int MOST_SCALES = 256; // of layers; beyond it they are uploaded again

    private final OpenClBackend backend;
    private final Tuning tuning;
    private final AttentionSpec spec;
    private final PlanOptions options;
    private final OpenClQueue queue;
    private final ParamsBlock params;
    private final Map<KernelShape, Kernels> kernels = new HashMap<>();
    private final Map<KvScales, OpenClBuffer> scales = new IdentityHashMap<>();
    private KernelShape shape;
    private WorkSchedule schedule;
    private PlanMemory memory;
    private @Nullable Kernels last; // those of the cache that ran last

    /** An attention kernel and a merging one with arguments of their own. */
    private record Kernels(KernelShape shape, OpenClKernel attention, OpenClKernel merge, Launch launch)
            implements AutoCloseable {
        @Override
        public void close() {
            attention.close();
            merge.close();
            launch.close();
        }
    }

    OpenClPlan(OpenClBackend backend, Tuning tuning, AttentionSpec spec, BatchShape batch,
            PlanOptions options,
            OpenClQueue queue) {
        this.backend = backend;
        this.tuning = tuning;
        this.spec = spec;
        this.options = options;
        this.queue = queue;
        this.shape = shape(batch);
        this.schedule = cut(batch, shape);
        this.last = kernels(shape); // now, not in the first run
        this.memory = upload(schedule, batch);
        this.params = new ParamsBlock(spec);
    }

    private KernelShape shape(BatchShape batch) {
        boolean invariant = spec.determinism() == Determinism.BATCH_INVARIANT;
        int queries = invariant ? 1 : Math.max(1, batch.maxQoLen());
        boolean masked = spec.causal() && (invariant || batch.maxQoLen() > 1) || spec.windowLeft() >= 0;
        boolean general = masked || spec.logitsSoftCap() != 0 || spec.alibi();
        Tuning.Choice choice = tuning.choose(spec,
                (int) Math.min(Integer.MAX_VALUE / 2, (long) queries * spec.groupSize()));
        return KernelShape.of(choice.tile(), spec, choice.rows(), general);
    }

    private WorkSchedule cut(BatchShape batch, KernelShape of) {
        return WorkSchedule.of(spec, batch, of.rows(), of.tile().tokens(), tuning.leastTokens(),
                tuning.units(), options.kvSplits());
    }

    private PlanMemory upload(WorkSchedule next, BatchShape batch) {
        PlanMemory taken = backend.shelf().take(queue, PlanMemory.tableBytes(next, batch.pageTable()),
                (long) next.slots() * shape.stateFloats() * Float.BYTES);
        taken.write(next, batch.pageTable());
        return taken;
    }

    private Kernels kernels(KernelShape of) {
        return kernels.computeIfAbsent(of,
                key -> new Kernels(key, backend.attention(key), backend.merge(), new Launch(key)));
    }

    @Override
    public void run(Tensor q, KvCacheView kv, Tensor out, @Nullable Tensor lse, HeadParameters heads) {
        if (schedule.unitCount() == 0) {
            return; // no query rows
        }
        Kernels chosen = forCache(kv);
        OpenClBuffer perHead = scales(kv.scales());
        params.tensors(q, kv, out, lse, heads);
        chosen.launch.attention(chosen.attention, q, kv, out, lse, heads.sinks(), heads.alibiSlopes(), memory,
                perHead, params.address(), schedule.unitCount(), queue);
        if (schedule.mergeCount() > 0) {
            chosen.launch.merge(chosen.merge, out, lse, heads.sinks(), memory, perHead, params.address(),
                    schedule.mergeCount(), queue);
        }
        queue.flush();
    }

    private Kernels forCache(KvCacheView kv) {
        int segments = kv.k().segments().size();
        boolean aligned = aligned(kv.k()) && aligned(kv.v());
        Kernels known = last;
        if (known != null && known.shape.serves(segments, aligned)) {
            return known;
        }
        if (segments > KernelShape.MOST_SEGMENTS) {
            throw new IllegalArgumentException("the KV cache has " + segments + " segments; backend "
                    + OpenClBackendProvider.ID + " reads at most " + KernelShape.MOST_SEGMENTS
                    + ": use larger segments");
        }
        Kernels found = kernels(shape.forCache(segments, aligned));
        last = found;
        return found;
    }

    private static boolean aligned(KvPlane plane) {
        int size = plane.dtype().byteSize();
        long all = plane.byteOffset() | plane.strides().page() * size | plane.strides().token() * size
                | plane.strides().head() * size;
        return all % KernelShape.WIDE == 0;
    }

    /** Returns a layer's scales per head on the device; the schedule's buffer, unread, where there are none. */
    private OpenClBuffer scales(KvScales of) {
        if (spec.kvQuantisation() != KvQuantisation.PER_HEAD) {
            return memory.table();
        }
        OpenClBuffer known = scales.get(of);
        if (known == null) {
            if (scales.size() >= MOST_SCALES) {
                closeScales(); // the driver keeps what enqueued work still reads
            }
            float[] pairs = new float[2 * spec.numKvHeads()];
            for (int head = 0; head < spec.numKvHeads(); head++) {
                pairs[2 * head] = of.k(head);
                pairs[2 * head + 1] = of.v(head);
            }
            known = backend.space().allocateFilled(pairs);
            scales.put(of, known);
        }
        return known;
    }

    private void closeScales() {
        scales.values().forEach(OpenClBuffer::close);
        scales.clear();
    }

    @Override
    public boolean replan(BatchShape batch) {
        KernelShape wanted = shape(batch);
        WorkSchedule next = cut(batch, wanted);
        Kernels ready = kernels(wanted);
        shape = wanted;
        PlanMemory before = memory;
        memory = upload(next, batch);
        backend.shelf().giveBack(before);
        schedule = next;
        last = ready;
        return true;
    }

    @Override
    public ExecutionQueue queue() {
        return queue;
    }

    @Override
    public Schedule schedule() {
        return new Schedule(schedule.unitCount(), schedule.maxParts(),
                (long) schedule.slots() * shape.stateFloats() * Float.BYTES);
    }

    @Override
    public void close() {
        backend.shelf().giveBack(memory);
        kernels.values().forEach(Kernels::close);
        closeScales();
        params.close();
    }
}
