package dev.heddle.cuda;

import dev.heddle.core.tensor.CapturedWork;
import java.util.concurrent.atomic.AtomicBoolean;
import jcuda.driver.CUgraph;
import jcuda.driver.CUgraphExec;
import jcuda.driver.CUstreamCaptureMode;
import jcuda.driver.JCudaDriver;

/** Work of a stream recorded as a CUDA graph. */
final class CudaGraph implements CapturedWork {
    private final CudaQueue queue;
    private final CudaContext context;
    private final CUgraph graph;
    private final CUgraphExec executable = new CUgraphExec();
    private final AtomicBoolean closed = new AtomicBoolean();

    private CudaGraph(CudaQueue queue, CUgraph graph) {
        this.queue = queue;
        this.context = queue.context();
        this.graph = graph;
    }

    static CudaGraph capture(CudaQueue queue, Runnable work) {
        CudaContext context = queue.context();
        CUgraph graph = new CUgraph();
        try (CudaContext.Scope entered = context.enter()) {
            // Only this thread's calls are held to what a capture allows: others may allocate meanwhile.
            context.check(
                    JCudaDriver.cuStreamBeginCapture(queue.stream(),
                            CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL),
                    "cuStreamBeginCapture", "is another capture of this queue under way?");
            boolean recorded = false;
            try {
                work.run();
                recorded = true;
            } finally {
                if (!recorded) { // the stream must leave the capture, whatever happened in it
                    JCudaDriver.cuStreamEndCapture(queue.stream(), graph);
                    JCudaDriver.cuGraphDestroy(graph);
                }
            }
            context.check(JCudaDriver.cuStreamEndCapture(queue.stream(), graph), "cuStreamEndCapture",
                    "the recorded work did something that a capture does not allow: allocate, wait, or use another"
                            + " queue that was not joined");
            CudaGraph made = new CudaGraph(queue, graph);
            context.check(JCudaDriver.cuGraphInstantiate(made.executable, graph, 0), "cuGraphInstantiate",
                    "");
            return made;
        }
    }

    @Override
    public void replay() {
        if (closed.get()) {
            throw new IllegalStateException("captured work of " + queue.space() + " is closed");
        }
        try (CudaContext.Scope entered = context.enter()) {
            context.check(JCudaDriver.cuGraphLaunch(executable, queue.stream()), "cuGraphLaunch", "");
        }
    }

    @Override
    public void close() {
        if (closed.compareAndSet(false, true) && !context.isBroken()) {
            queue.synchronize();
            try (CudaContext.Scope entered = context.enter()) {
                JCudaDriver.cuGraphExecDestroy(executable);
                JCudaDriver.cuGraphDestroy(graph);
            }
        }
    }
}
