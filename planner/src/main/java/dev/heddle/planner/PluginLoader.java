package dev.heddle.planner;

import dev.heddle.core.spi.AttentionBackendProvider;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;

/**
 * Loads the classes of one plug-in: the JDK's from the platform, {@code dev.heddle} from whoever runs it, everything
 * else from its own jars. Libraries of the application and of other plug-ins are out of sight.
 */
final class PluginLoader extends URLClassLoader {
    static {
        registerAsParallelCapable();
    }

    private final ClassLoader host = AttentionBackendProvider.class.getClassLoader();
    private final Path place;

    /**
     * Makes a loader.
     *
     * @param place the jar or folder, for reports
     */
    PluginLoader(Path place, URL... jars) {
        // Not the application's loader as parent: ServiceLoader would find the application's providers again.
        super("plugin " + place.getFileName(), jars, ClassLoader.getPlatformClassLoader());
        this.place = place;
    }

    /** Returns the jar or folder that the classes come from. */
    Path place() {
        return place;
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
        if (name.startsWith("dev.heddle.")) {
            // A backend's objects cross the border, so both sides must mean the same class by a name.
            try {
                return host.loadClass(name);
            } catch (ClassNotFoundException e) {
                return super.loadClass(name, resolve); // a backend of ours as a plug-in
            }
        }
        return super.loadClass(name, resolve);
    }
}
