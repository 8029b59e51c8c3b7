package dev.heddle.conformance.isolation;

import dev.heddle.conformance.reference.PlainBackend;
import dev.heddle.core.capability.Capabilities;
import dev.heddle.core.spi.AttentionBackend;
import dev.heddle.core.spi.AttentionBackendProvider;
import dev.heddle.core.spi.BackendContext;
import java.util.concurrent.locks.LockSupport;

/** Never comes back from open. */
public final class HangingBackend implements AttentionBackendProvider {
    @Override
    public String id() {
        return "hanging";
    }

    @Override
    public Capabilities capabilities() {
        return new PlainBackend().capabilities();
    }

    @Override
    public AttentionBackend open(BackendContext context) {
        while (true) {
            LockSupport.park();
        }
    }
}
