package dev.heddle.planner;

import dev.heddle.core.capability.Dimension;
import dev.heddle.core.capability.Phase;
import dev.heddle.core.capability.Rejection;
import dev.heddle.core.capability.RejectionCode;
import dev.heddle.core.session.ProviderCheck;
import dev.heddle.core.spi.AttentionBackendProvider;
import java.io.IOException;
import java.net.MalformedURLException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.jar.JarFile;
import java.util.jar.Manifest;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** One jar, or one folder of jars, with a class loader of its own. */
final class Plugin implements AutoCloseable {
    /** A main attribute of a plug-in's manifest: the SPI that it needs. Read before any of its classes is loaded. */
    static final String SPI_VERSION = "Heddle-SPI-Version";

    private static final int MOST_FAILURES = 1000;

    private final Path place;
    private final List<AttentionBackendProvider> providers = new ArrayList<>();
    private final List<Rejection> rejections = new ArrayList<>();
    private @Nullable PluginLoader loader;

    private Plugin(Path place) {
        this.place = place;
    }

    /** Opens a plug-in; what is wrong with it is among its {@link #rejections}. */
    static Plugin open(Path place) {
        Plugin plugin = new Plugin(place);
        try {
            List<Path> jars = Files.isDirectory(place) ? jarsIn(place) : List.of(place);
            boolean readable = true;
            for (Path jar : jars) {
                readable &= plugin.accepts(jar);
            }
            if (readable) {
                plugin.load(jars);
            }
        } catch (IOException e) {
            plugin.reject("cannot be read: " + e, "repair or remove it", e);
        }
        return plugin;
    }

    /** Returns the jars of a folder by name, not those of folders in it. */
    static List<Path> jarsIn(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(file -> file.getFileName().toString().endsWith(".jar")
                    && Files.isRegularFile(file)).sorted().toList();
        }
    }

    Path place() {
        return place;
    }

    List<AttentionBackendProvider> providers() {
        return providers;
    }

    List<Rejection> rejections() {
        return rejections;
    }

    // A class loader passes over a jar that it cannot open without a word; so the jar is opened here first.
    private boolean accepts(Path jar) {
        String needed;
        try (JarFile file = new JarFile(jar.toFile())) {
            Manifest manifest = file.getManifest();
            needed = manifest == null ? null : manifest.getMainAttributes().getValue(SPI_VERSION);
        } catch (IOException | SecurityException e) {
            reject(jar.getFileName() + " is no jar that can be read: " + e, "repair or remove it", e);
            return false;
        }
        if (needed == null) {
            return true;
        }
        int version;
        try {
            version = Integer.parseInt(needed.strip());
        } catch (NumberFormatException e) {
            reject("the manifest of " + jar.getFileName() + " must say a whole number as " + SPI_VERSION
                    + ", got '" + needed + "'", "build it again", e);
            return false;
        }
        if (version > AttentionBackendProvider.SPI_VERSION) {
            rejections.add(ProviderCheck.newerSpi(name(), version));
            return false;
        }
        return true;
    }

    private void load(List<Path> jars) throws MalformedURLException {
        URL[] urls = new URL[jars.size()];
        for (int i = 0; i < urls.length; i++) {
            urls[i] = jars.get(i).toUri().toURL();
        }
        loader = new PluginLoader(place, urls);
        Iterator<AttentionBackendProvider> services =
                ServiceLoader.load(AttentionBackendProvider.class, loader).iterator();
        for (int failures = 0; failures < MOST_FAILURES;) {
            try {
                if (!services.hasNext()) {
                    break;
                }
                providers.add(services.next());
                failures = 0;
            } catch (ServiceConfigurationError | LinkageError | RuntimeException e) {
                failures++;
                rejections.add(ProviderCheck.unloadable(name(), e));
            }
        }
        if (providers.isEmpty() && rejections.isEmpty()) {
            reject("names no backend in META-INF/services/" + AttentionBackendProvider.class.getName(),
                    "put libraries and the backend that needs them into one sub-folder", null);
        }
    }

    private void reject(String problem, String remedy, @Nullable Exception cause) {
        rejections.add(Rejection.failure(name(), RejectionCode.PROVIDER_FAILED, Phase.DISCOVERY,
                Dimension.BACKEND_ID, problem, remedy, cause));
    }

    private String name() {
        return place.getFileName().toString();
    }

    @Override
    public void close() {
        PluginLoader open = loader;
        if (open == null) {
            return;
        }
        try {
            open.close();
        } catch (IOException e) {
            System.getLogger("dev.heddle.planner").log(System.Logger.Level.WARNING,
                    "plug-in " + place + " cannot be closed", e);
        }
    }
}
