package dev.heddle.conformance.saboteur;

import dev.heddle.conformance.isolation.WrappingProvider;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.spi.AttentionBackendProvider;
import dev.heddle.core.tensor.MemorySpace;

/**
 * Ends the VM with code 134, as an abort in native code does, at the second plan of each VM. Public, so that a child VM
 * can make it.
 *
 * @hidden
 */
public final class Killer extends Wrapper implements WrappingProvider {
    /** The code. */
    static final int CODE = 134;

    private final AttentionBackendProvider real;
    private int plans;

    /** Wraps a backend. */
    public Killer(AttentionBackendProvider real) {
        super(real);
        this.real = real;
    }

    @Override
    public AttentionBackendProvider wrapped() {
        return real;
    }

    @Override
    void beforePlan(AttentionSpec spec, BatchShape batch, MemorySpace space) {
        if (++plans == 2) {
            Runtime.getRuntime().halt(CODE);
        }
    }
}
