package dev.heddle.conformance.isolation;

import dev.heddle.core.Evolving;
import dev.heddle.core.spi.AttentionBackendProvider;

/**
 * A provider around another one, which a child VM makes anew: its class is public and has a public constructor that
 * takes the other.
 *
 * @since 0.1
 */
@Evolving
public interface WrappingProvider extends AttentionBackendProvider {
    /** Returns the other one. */
    AttentionBackendProvider wrapped();
}
