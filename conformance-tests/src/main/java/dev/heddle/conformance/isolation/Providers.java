package dev.heddle.conformance.isolation;

import dev.heddle.core.spi.AttentionBackendProvider;
import dev.heddle.planner.Plugins;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.Optional;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import org.jspecify.annotations.Nullable;

/** Names a provider so that another VM can make it again. */
final class Providers {
    /** A property of the VM: the plug-in that holds the provider, a jar or a folder; not set where it is in none. */
    static final String PLUGIN = "heddle.conformance.plugin";

    private static final char OVER = '<';

    private Providers() {}

    /** Returns the class, and for a wrapper {@code <} and whom it wraps. */
    static String spell(AttentionBackendProvider provider) {
        String own = provider.getClass().getName();
        return provider instanceof WrappingProvider wrapping ? own + OVER + spell(wrapping.wrapped()) : own;
    }

    /** Returns what the other VM's {@link #PLUGIN} has to be. */
    static Optional<Path> plugin(AttentionBackendProvider provider) {
        return provider instanceof WrappingProvider wrapping ? plugin(wrapping.wrapped())
                : Plugins.placeOf(provider);
    }

    /** Makes what {@link #spell} named. */
    static AttentionBackendProvider make(String spelling, String id) throws ReflectiveOperationException {
        int over = spelling.indexOf(OVER);
        if (over >= 0) {
            return (AttentionBackendProvider) Class.forName(spelling.substring(0, over))
                    .getConstructor(AttentionBackendProvider.class)
                    .newInstance(make(spelling.substring(over + 1), ""));
        }
        String plugin = System.getProperty(PLUGIN);
        AttentionBackendProvider found =
                plugin == null ? service(spelling, id) : inPlugin(Path.of(plugin), spelling, id);
        return found != null ? found
                : (AttentionBackendProvider) Class.forName(spelling).getDeclaredConstructor().newInstance();
    }

    // Its class loader stays open: the VM halts when it is done.
    private static @Nullable AttentionBackendProvider inPlugin(Path place, String className, String id) {
        for (AttentionBackendProvider provider : Plugins.of(place).providers()) {
            if (isIt(provider, className, id)) {
                return provider;
            }
        }
        return null;
    }

    private static boolean isIt(AttentionBackendProvider provider, String className, String id) {
        return provider.getClass().getName().equals(className) && (id.isEmpty() || id.equals(provider.id()));
    }

    // A provider in a package that its module keeps to itself can only be made by ServiceLoader.
    private static @Nullable AttentionBackendProvider service(String className, String id) {
        Iterator<AttentionBackendProvider> services =
                ServiceLoader.load(AttentionBackendProvider.class).iterator();
        while (true) {
            try {
                if (!services.hasNext()) {
                    return null;
                }
                AttentionBackendProvider provider = services.next();
                if (isIt(provider, className, id)) {
                    return provider;
                }
            } catch (ServiceConfigurationError | RuntimeException | LinkageError e) {
                // A broken neighbour is rule 1.03's matter; here it only must not be in the way.
                System.getLogger(Providers.class.getName()).log(System.Logger.Level.DEBUG,
                        "a provider is broken", e);
            }
        }
    }
}
