package dev.heddle.conformance.isolation;

import dev.heddle.conformance.reference.PlainBackend;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.PlanOptions;
import dev.heddle.core.capability.Capabilities;
import dev.heddle.core.spi.AttentionBackend;
import dev.heddle.core.spi.AttentionBackendProvider;
import dev.heddle.core.spi.BackendContext;
import dev.heddle.core.spi.BackendPlan;
import dev.heddle.core.tensor.MemorySpace;

/** Ends the VM with code 134, as an abort does, at the second plan of each VM. */
public final class HaltingBackend implements AttentionBackendProvider {
    static final int CODE = 134;

    private final AttentionBackendProvider plain = new PlainBackend();

    @Override
    public String id() {
        return "halting";
    }

    @Override
    public Capabilities capabilities() {
        return plain.capabilities();
    }

    @Override
    public AttentionBackend open(BackendContext context) {
        AttentionBackend backend = plain.open(context);
        return new AttentionBackend() {
            private int plans;

            @Override
            public MemorySpace memorySpace() {
                return backend.memorySpace();
            }

            @Override
            public BackendPlan plan(AttentionSpec spec, BatchShape batch, PlanOptions options) {
                if (++plans == 2) {
                    Runtime.getRuntime().halt(CODE);
                }
                return backend.plan(spec, batch, options);
            }

            @Override
            public void close() {
                backend.close();
            }
        };
    }
}
