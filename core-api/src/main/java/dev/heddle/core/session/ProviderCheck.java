package dev.heddle.core.session;

import dev.heddle.core.Evolving;
import dev.heddle.core.capability.Capabilities;
import dev.heddle.core.capability.Dimension;
import dev.heddle.core.capability.Phase;
import dev.heddle.core.capability.Rejection;
import dev.heddle.core.capability.RejectionCode;
import dev.heddle.core.spi.AttentionBackendProvider;
import java.util.List;
import java.util.regex.Matcher;
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

    private static final Pattern IN_CORE =
            Pattern.compile("(?<![\\w.])dev\\.heddle\\.core\\.[\\w.$]+(\\([^)]*\\))?");

    private ProviderCheck() {}

    /** Returns why a provider cannot be used; empty if it can. Throws nothing that the provider throws. */
    public static List<Rejection> check(AttentionBackendProvider provider) {
        String name = provider.getClass().getName();
        try {
            // The SPI version comes first: a newer provider may mean something else by everything after it.
            int spi = provider.spiVersion();
            String id = provider.id();
            if (spi > AttentionBackendProvider.SPI_VERSION) {
                return List.of(newerSpi(id, spi));
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
            String missing = missingInCore(e);
            return List.of(missing.isEmpty() ? failed(name, "describing itself failed with " + e, e)
                    : newerCore(name, missing, e));
        }
    }

    /** Returns why a provider, or a plug-in, that needs a newer SPI cannot be used. */
    public static Rejection newerSpi(String who, int version) {
        return new Rejection(who, RejectionCode.SPI_VERSION, Phase.DISCOVERY, Dimension.SPI_VERSION,
                String.valueOf(version), "1.." + AttentionBackendProvider.SPI_VERSION, "update Heddle",
                who + " was built for SPI version " + version + ", this Heddle serves versions 1.."
                        + AttentionBackendProvider.SPI_VERSION + "; update Heddle",
                null);
    }

    /**
     * Returns why a provider cannot be loaded: its root cause, or what it misses in this core-api.
     *
     * @param who the provider's class or jar
     * @param failure what loading it threw
     */
    public static Rejection unloadable(String who, Throwable failure) {
        Throwable root = failure;
        for (Throwable t = failure; t != null; t = t.getCause()) {
            String missing = missingInCore(t);
            if (!missing.isEmpty()) {
                return newerCore(who, missing, t);
            }
            root = t;
        }
        return failed(who, "the provider cannot be loaded: " + root, root);
    }

    private static Rejection newerCore(String who, String missing, Throwable cause) {
        String problem = "it was built for a newer Heddle: this one has no " + missing;
        return Rejection.failure(who, RejectionCode.SPI_VERSION, Phase.DISCOVERY, Dimension.SPI_VERSION,
                problem, "update Heddle", cause);
    }

    /** Returns the type or member of core-api that a class was compiled against and that is not there, or nothing. */
    private static String missingInCore(Throwable failure) {
        String message = String.valueOf(failure.getMessage()).replace('/', '.');
        boolean link = failure instanceof NoClassDefFoundError || failure instanceof ClassNotFoundException
                || failure instanceof IncompatibleClassChangeError;
        Matcher named = IN_CORE.matcher(message);
        return link && named.find() ? named.group() : "";
    }

    private static Rejection failed(String who, String problem, @Nullable Throwable cause) {
        return Rejection.failure(who, RejectionCode.PROVIDER_FAILED, Phase.DISCOVERY, Dimension.BACKEND_ID,
                problem,
                "update or remove its jar", cause);
    }
}
