package dev.heddle.planner;

import dev.heddle.core.Evolving;
import dev.heddle.core.capability.Rejection;
import dev.heddle.core.spi.AttentionBackendProvider;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Backends in jars that lie neither on the class path nor on the module path. Each jar of a folder is one plug-in,
 * and so is each sub-folder that holds jars: a backend together with its libraries. Every plug-in has a class loader
 * of its own, which shows it the JDK, {@code dev.heddle} as the application has it, and its own jars; two plug-ins
 * may therefore bring different versions of one library. A plug-in that cannot be used hides no other.
 *
 * <p>{@link HeddleBuilder#plugins} is the usual way in.
 *
 * @since 0.1
 */
@Evolving
public final class Plugins implements AutoCloseable {
    private final List<Plugin> all;

    private Plugins(List<Plugin> all) {
        this.all = List.copyOf(all);
    }

    /**
     * Opens every plug-in of some folders, by name.
     *
     * @throws IllegalArgumentException if there is no such folder
     */
    public static Plugins in(List<Path> folders) {
        List<Path> places = new ArrayList<>();
        for (Path folder : folders) {
            places.addAll(placesIn(folder));
        }
        return new Plugins(places.stream().map(Plugin::open).toList());
    }

    /**
     * Opens one plug-in.
     *
     * @param place a jar, or a folder of jars
     * @throws IllegalArgumentException if there is no such file or folder
     */
    public static Plugins of(Path place) {
        if (!Files.exists(place)) {
            throw new IllegalArgumentException("there is no plug-in " + place);
        }
        return new Plugins(List.of(Plugin.open(place)));
    }

    private static List<Path> placesIn(Path folder) {
        if (!Files.isDirectory(folder)) {
            throw new IllegalArgumentException("plug-ins are looked for in a folder of jars, and "
                    + folder + (Files.exists(folder) ? " is a file" : " does not exist"));
        }
        try (Stream<Path> entries = Files.list(folder.toAbsolutePath())) {
            List<Path> places = new ArrayList<>(Plugin.jarsIn(folder.toAbsolutePath()));
            for (Path entry : entries.filter(Files::isDirectory).toList()) {
                if (!Plugin.jarsIn(entry).isEmpty()) {
                    places.add(entry);
                }
            }
            places.sort(null);
            return places;
        } catch (IOException e) {
            throw new UncheckedIOException("the folder of plug-ins " + folder + " cannot be read", e);
        }
    }

    /** Returns the providers that could be made, in the order of their plug-ins' names. */
    public List<AttentionBackendProvider> providers() {
        return all.stream().flatMap(plugin -> plugin.providers().stream()).toList();
    }

    /** Returns what cannot be used, and why. */
    public List<Rejection> rejections() {
        return all.stream().flatMap(plugin -> plugin.rejections().stream()).toList();
    }

    /** Returns the jar or folder that a provider was loaded from as a plug-in; empty if it is none. */
    public static Optional<Path> placeOf(AttentionBackendProvider provider) {
        return provider.getClass().getClassLoader() instanceof PluginLoader loader
                ? Optional.of(loader.place())
                : Optional.empty();
    }

    List<Plugin> all() {
        return all;
    }

    /** Closes the class loaders: nothing of the plug-ins may be in use any more. */
    @Override
    public void close() {
        all.forEach(Plugin::close);
    }
}
