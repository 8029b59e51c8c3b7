package dev.heddle.core.session;

import dev.heddle.core.Evolving;
import dev.heddle.core.capability.Capabilities;
import dev.heddle.core.capability.Dimension;
import dev.heddle.core.capability.Phase;
import dev.heddle.core.capability.Rejection;
import dev.heddle.core.capability.RejectionCode;
import dev.heddle.core.spi.AttentionBackendProvider;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Asks a provider to describe itself and says in words what is wrong with the answer.
 *
 * @since 0.1
 */
@Evolving
public final class ProviderCheck {
    private static final Pattern ID = Pattern.compile("[a-z][a-z0-9-]*");

    private ProviderCheck() {}

    /** Returns why a provider cannot be used; empty if it can. Throws nothing that the provider throws. */
    public static List<Rejection> check(AttentionBackendProvider provider) {
        String name = provider.getClass().getName();
        try {
            // The SPI version comes first: a newer provider may mean something else by everything after it.
            int spi = provider.spiVersion();
            String id = provider.id();
            if (spi > AttentionBackendProvider.SPI_VERSION) {
                return List.of(new Rejection(id, RejectionCode.SPI_VERSION, Phase.DISCOVERY,
                        Dimension.SPI_VERSION,
                        String.valueOf(spi), "1.." + AttentionBackendProvider.SPI_VERSION, "update Heddle",
                        id + " was built for SPI version " + spi + ", this Heddle serves versions 1.."
                                + AttentionBackendProvider.SPI_VERSION + "; update Heddle",
                        null));
            }
            if (id == null || !ID.matcher(id).matches()) {
                return List.of(Rejection.failure(name, RejectionCode.INVALID_ID, Phase.DISCOVERY,
                        Dimension.BACKEND_ID,
                        "the backend id must match " + ID + ", got '" + id + "'", "rename it", null));
            }
            Capabilities declared = provider.capabilities();
            if (declared == null || provider.version() == null) {
                return List.of(failed(id, "capabilities() or version() returned null", null));
            }
            return List.of();
        } catch (RuntimeException | LinkageError | AssertionError e) {
            return List.of(failed(name, "describing itself failed with " + e, e));
        }
    }

    private static Rejection failed(String who, String problem, @Nullable Throwable cause) {
        return Rejection.failure(who, RejectionCode.PROVIDER_FAILED, Phase.DISCOVERY, Dimension.BACKEND_ID,
                problem,
                "update or remove its jar", cause);
    }
}
