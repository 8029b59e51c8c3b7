package dev.heddle.conformance.isolation;

import dev.heddle.core.capability.Capabilities;
import dev.heddle.core.spi.AttentionBackend;
import dev.heddle.core.spi.AttentionBackendProvider;
import dev.heddle.core.spi.BackendContext;

/** Another provider, wrapped, as a child VM makes it again. */
public final class Relay implements WrappingProvider {
    private final AttentionBackendProvider wrapped;

    /** Wraps a provider. */
    public Relay(AttentionBackendProvider wrapped) {
        this.wrapped = wrapped;
    }

    @Override
    public AttentionBackendProvider wrapped() {
        return wrapped;
    }

    @Override
    public String id() {
        return "relay";
    }

    @Override
    public Capabilities capabilities() {
        return wrapped.capabilities();
    }

    @Override
    public AttentionBackend open(BackendContext context) {
        return wrapped.open(context);
    }
}
