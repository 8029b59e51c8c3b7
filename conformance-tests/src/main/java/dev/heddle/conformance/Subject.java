package dev.heddle.conformance;

import dev.heddle.core.Evolving;
import dev.heddle.core.spi.AttentionBackendProvider;

/**
 * The backend that a run is about.
 *
 * @param id its id
 * @param provider describes and opens it
 * @since 0.1
 */
@Evolving
public record Subject(String id, AttentionBackendProvider provider) {
    /** Returns the subject of a provider, named as the provider names itself. */
    public static Subject of(AttentionBackendProvider provider) {
        return new Subject(provider.id(), provider);
    }
}
