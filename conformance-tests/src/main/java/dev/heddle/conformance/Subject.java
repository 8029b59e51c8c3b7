package dev.heddle.conformance;

import dev.heddle.conformance.house.House;
import dev.heddle.core.Evolving;
import dev.heddle.core.spi.AttentionBackendProvider;

/**
 * The backend that a run is about.
 *
 * @param id its id
 * @param provider describes and opens it
 * @param house what stands around it; Heddle's own parts, but for the kit's self-test
 * @since 0.1
 */
@Evolving
public record Subject(String id, AttentionBackendProvider provider, House house) {
    /** Makes a subject in Heddle's own house. */
    public Subject(String id, AttentionBackendProvider provider) {
        this(id, provider, House.HEDDLE);
    }

    /** Returns the subject of a provider, named as the provider names itself. */
    public static Subject of(AttentionBackendProvider provider) {
        return new Subject(provider.id(), provider);
    }

    /** Returns this subject in another house. */
    public Subject in(House other) {
        return new Subject(id, provider, other);
    }
}
