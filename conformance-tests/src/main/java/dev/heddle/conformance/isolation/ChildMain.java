package dev.heddle.conformance.isolation;

import dev.heddle.conformance.Bench;
import dev.heddle.conformance.ConformanceCase;
import dev.heddle.conformance.ConformanceRun;
import dev.heddle.conformance.KitOptions;
import dev.heddle.conformance.RuleBook;
import dev.heddle.conformance.Subject;
import dev.heddle.core.Evolving;
import dev.heddle.core.spi.AttentionBackendProvider;
import dev.heddle.planner.Plugins;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import org.jspecify.annotations.Nullable;

/**
 * The child's side of {@link ChildVm}: runs the selected cases from one on and writes what happens to a file.
 *
 * @since 0.1
 */
@Evolving
public final class ChildMain {
    /** A property of the VM: the plug-in that holds the subject, a jar or a folder; not set where it is no plug-in. */
    static final String PLUGIN = "heddle.conformance.plugin";

    private static final int FIXED = 7;

    private ChildMain() {}

    /**
     * Runs cases.
     *
     * @param args file to write, provider's id, provider's class, seed, budget,
     *     folder for compiled kernels or nothing, cases to skip, then globs of rules
     * @throws IOException if the file cannot be written
     * @throws ReflectiveOperationException if the provider cannot be made
     */
    public static void main(String... args) throws IOException, ReflectiveOperationException {
        try (Protocol.Writer events = new Protocol.Writer(Path.of(args[0]))) {
            KitOptions options = new KitOptions(
                    Long.parseLong(args[3]),
                    Arrays.asList(args).subList(FIXED, args.length),
                    Integer.parseInt(args[4]),
                    args[5].isEmpty() ? null : Path.of(args[5]));
            String plugin = System.getProperty(PLUGIN);
            AttentionBackendProvider found =
                    plugin == null ? service(args[1], args[2]) : plugin(Path.of(plugin), args[1], args[2]);
            AttentionBackendProvider provider = found == null ? make(args[2]) : found;
            Subject subject = new Subject(args[1], provider);
            events.version(provider);
            List<ConformanceCase> cases = ConformanceRun.cases(subject, options, RuleBook.all());
            events.cases(cases);
            try (Bench bench = new Bench(subject, options)) {
                for (ConformanceCase kase : cases.subList(Integer.parseInt(args[6]), cases.size())) {
                    events.start(kase);
                    events.result(ConformanceRun.run(kase, bench), bench.device());
                }
            }
        }
        // A backend may leave threads behind that are no daemons; the results are safe by now.
        Runtime.getRuntime().halt(0);
    }

    // Its class loader stays open: this VM halts when it is done.
    private static @Nullable AttentionBackendProvider plugin(Path place, String id, String className) {
        for (AttentionBackendProvider provider : Plugins.of(place).providers()) {
            if (provider.getClass().getName().equals(className) && id.equals(provider.id())) {
                return provider;
            }
        }
        return null;
    }

    // A provider in a package that its module keeps to itself can only be made by ServiceLoader.
    private static @Nullable AttentionBackendProvider service(String id, String className) {
        Iterator<AttentionBackendProvider> services =
                ServiceLoader.load(AttentionBackendProvider.class).iterator();
        while (true) {
            try {
                if (!services.hasNext()) {
                    return null;
                }
                AttentionBackendProvider provider = services.next();
                if (provider.getClass().getName().equals(className) && id.equals(provider.id())) {
                    return provider;
                }
            } catch (ServiceConfigurationError | RuntimeException | LinkageError e) {
                // A broken neighbour is rule 1.03's matter; here it only must not be in the way.
                System.getLogger(ChildMain.class.getName()).log(System.Logger.Level.DEBUG,
                        "a provider is broken", e);
            }
        }
    }

    private static AttentionBackendProvider make(String className) throws ReflectiveOperationException {
        return (AttentionBackendProvider) Class.forName(className).getDeclaredConstructor().newInstance();
    }
}
