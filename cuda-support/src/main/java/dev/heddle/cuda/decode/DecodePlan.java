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
import dev.heddle.cuda.CudaQueue;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A launch; or several, if requests of one batch take kernels of their own ({@link KernelChoice}). */
final class DecodePlan implements BackendPlan {
    private final DecodeBackend backend;
    private final AttentionSpec spec;
    private final PlanOptions options;
    private final CudaQueue queue;
    private final List<DecodeLaunch> launches;

    DecodePlan(DecodeBackend backend, AttentionSpec spec, BatchShape batch, PlanOptions options,
            CudaQueue queue) {
        this.backend = backend;
        this.spec = spec;
        this.options = options;
        this.queue = queue;
        List<KernelChoice> choices = backend.choices(spec, batch, options);
        this.launches = new ArrayList<>(choices.size());
        try {
            for (KernelChoice choice : choices) {
                launches.add(new DecodeLaunch(backend, spec, batch, choice.kernel(), cut(batch, choice),
                        options, queue));
            }
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    private DecodeSchedule cut(BatchShape batch, KernelChoice choice) {
        return DecodeSchedule.of(spec, batch, choice,
                choice.kernel().atOnce(backend.multiprocessors()), options.kvSplits(),
                DecodeKernel.MOST_PARTS);
    }

    @Override
    public void run(Tensor q, KvCacheView kv, Tensor out, @Nullable Tensor lse, HeadParameters heads) {
        for (int i = 0; i < launches.size(); i++) { // no iterator: a run allocates nothing
            launches.get(i).run(q, kv, out, lse, heads);
        }
    }

    @Override
    public boolean replan(BatchShape batch) {
        List<KernelChoice> wanted = KernelChoice.onto(launches.stream().map(DecodeLaunch::shape).toList(),
                backend.choices(spec, batch, options), options.capture(), backend.invariant(spec));
        List<DecodeSchedule> next = new ArrayList<>(wanted.size());
        for (int i = 0; i < wanted.size(); i++) {
            next.add(cut(batch, wanted.get(i)));
            if (!launches.get(i).fits(next.get(i), batch)) {
                return false;
            }
        }
        for (int i = 0; i < next.size(); i++) {
            launches.get(i).replace(next.get(i), batch);
        }
        return !wanted.isEmpty();
    }

    @Override
    public ExecutionQueue queue() {
        return queue;
    }

    @Override
    public Schedule schedule() {
        int units = 0;
        int maxParts = 1;
        long workspace = 0;
        for (DecodeLaunch launch : launches) {
            units += launch.schedule().count();
            maxParts = Math.max(maxParts, launch.schedule().maxParts());
            workspace += launch.workspaceBytes();
        }
        return new Schedule(units, maxParts, workspace);
    }

    @Override
    public void close() {
        launches.forEach(DecodeLaunch::close);
    }
}
