package dev.heddle.cuda;

import dev.heddle.core.Evolving;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/**
 * CUDA C++ that needs no header.
 *
 * @param name file name, for messages
 * @param text the source
 * @param home the class beside whose file compiled images lie in the jar
 * @since 0.1
 */
@Evolving
public record KernelSource(String name, String text, Class<?> home) {
    /**
     * Reads a source that lies beside a class.
     *
     * @throws IllegalStateException if the jar lacks it
     */
    public static KernelSource resource(Class<?> home, String name) {
        try (InputStream in = home.getResourceAsStream(name)) {
            if (in == null) {
                throw new IllegalStateException(home.getName() + "'s jar has lost its file " + name);
            }
            return new KernelSource(name, new String(in.readAllBytes(), StandardCharsets.UTF_8), home);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read " + name + " of " + home.getName(), e);
        }
    }

    /** Returns this source with another before it. */
    public KernelSource after(KernelSource first) {
        return new KernelSource(name, first.text + text, home);
    }
}
