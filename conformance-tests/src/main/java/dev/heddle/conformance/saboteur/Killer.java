package dev.heddle.conformance.saboteur;

import dev.heddle.conformance.isolation.WrappingProvider;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.spi.AttentionBackendProvider;
import dev.heddle.core.tensor.MemorySpace;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Reads memory that is not there, as native code does by mistake, at the second plan of each VM: the VM aborts with code
 * 134. Public, so that a child VM can make it.
 *
 * @hidden
 */
public final class Killer extends Wrapper implements WrappingProvider {
    /** The code. */
    static final int CODE = 134;

    private static final long NOWHERE = 0xDEAD_0000L;

    private final AttentionBackendProvider real;
    private int plans;
    private long read;

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
    @SuppressWarnings("restricted") // the very thing
    void beforePlan(AttentionSpec spec, BatchShape batch, MemorySpace space) {
        if (++plans == 2) {
            read = MemorySegment.ofAddress(NOWHERE).reinterpret(Long.BYTES).get(ValueLayout.JAVA_LONG, 0);
            throw new IllegalStateException("memory that is not there holds " + read);
        }
    }
}
