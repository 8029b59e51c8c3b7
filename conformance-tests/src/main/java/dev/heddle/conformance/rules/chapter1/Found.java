package dev.heddle.conformance.rules.chapter1;

import dev.heddle.conformance.ConformanceCase;
import dev.heddle.conformance.ConformanceFailure;
import dev.heddle.conformance.Kit;
import dev.heddle.conformance.KitOptions;
import dev.heddle.conformance.NotDeclaredException;
import dev.heddle.conformance.Rule;
import dev.heddle.conformance.Subject;
import dev.heddle.conformance.reference.PlainBackend;
import dev.heddle.core.spi.AttentionBackendProvider;
import java.lang.module.FindException;
import java.lang.module.ModuleDescriptor;
import java.lang.module.ModuleFinder;
import java.lang.module.ModuleReference;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.security.CodeSource;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.stream.Collectors;

/** Rule 1.01. */
final class Found implements Rule {
    private static final String SERVICE = AttentionBackendProvider.class.getName();

    @Override
    public String id() {
        return "1.01";
    }

    @Override
    public String claim() {
        return "Found by ServiceLoader on the class path and on the module path; the id matches [a-z][a-z0-9-]* and is"
                + " unique";
    }

    @Override
    public List<ConformanceCase> cases(Subject subject, KitOptions options) {
        return List.of(
                ConformanceCase.plain(id(), "id", options, Found::id),
                ConformanceCase.plain(id(), "service-loader", options, Found::service),
                ConformanceCase.plain(id(), "module-path", options, Found::module));
    }

    private static void id(Kit kit) {
        String id = kit.subject().provider().id();
        if (!id.matches("[a-z][a-z0-9-]*")) {
            throw new ConformanceFailure("the id must match [a-z][a-z0-9-]*, got '" + id + "'");
        }
        Class<?> type = kit.subject().provider().getClass();
        Set<String> others = services(type).stream()
                .filter(p -> p.getClass() != type && id.equals(p.id()))
                .map(p -> p.getClass().getName())
                .collect(Collectors.toSet());
        if (!others.isEmpty()) {
            throw new ConformanceFailure(
                    "the id '" + id + "' of " + type.getName() + " is also that of " + others
                            + "; an id must be unique");
        }
    }

    private static void service(Kit kit) {
        Class<?> type = deliveredType(kit);
        if (services(type).stream().noneMatch(p -> p.getClass() == type)) {
            throw new ConformanceFailure(
                    type.getName() + " is not found by ServiceLoader; name it in META-INF/services/"
                            + SERVICE + ", and in its module's provides");
        }
    }

    private static void module(Kit kit) {
        Class<?> type = deliveredType(kit);
        CodeSource source = type.getProtectionDomain().getCodeSource();
        if (source == null || source.getLocation() == null
                || !"file".equals(source.getLocation().getProtocol())) {
            throw new NotDeclaredException(type.getName() + " comes from no file whose module could be read");
        }
        Path path;
        try {
            path = Path.of(source.getLocation().toURI());
        } catch (URISyntaxException e) {
            throw new NotDeclaredException(
                    "the place of " + type.getName() + " is no path: " + e.getMessage());
        }
        Set<ModuleReference> modules;
        try {
            modules = ModuleFinder.of(path).findAll();
        } catch (FindException e) {
            throw new ConformanceFailure(path.getFileName() + " cannot be read from the module path: " + e,
                    e);
        }
        if (modules.isEmpty()) {
            throw new NotDeclaredException(
                    "a folder of classes without module-info is no module; its jar will be");
        }
        for (ModuleReference module : modules) {
            for (ModuleDescriptor.Provides provides : module.descriptor().provides()) {
                if (provides.service().equals(SERVICE) && provides.providers().contains(type.getName())) {
                    return;
                }
            }
        }
        throw new ConformanceFailure("module "
                + modules.iterator().next().descriptor().name() + " does not provide " + SERVICE + " with "
                + type.getName() + ": on the module path nobody finds it");
    }

    private static Class<?> deliveredType(Kit kit) {
        Class<?> type = kit.subject().provider().getClass();
        if (type.getPackage().equals(PlainBackend.class.getPackage())) {
            throw new NotDeclaredException(
                    "the kit's own reference is no delivered backend and not registered");
        }
        return type;
    }

    private static List<AttentionBackendProvider> services(Class<?> type) {
        List<AttentionBackendProvider> found = new ArrayList<>();
        collect(ServiceLoader.load(AttentionBackendProvider.class, type.getClassLoader()).iterator(), found);
        if (type.getModule().getLayer() != null) {
            collect(ServiceLoader.load(type.getModule().getLayer(), AttentionBackendProvider.class)
                    .iterator(), found);
        }
        return found;
    }

    private static void collect(Iterator<AttentionBackendProvider> services,
            List<AttentionBackendProvider> found) {
        while (true) {
            try {
                if (!services.hasNext()) {
                    return;
                }
                AttentionBackendProvider provider = services.next();
                provider.id(); // one that cannot even say its id has no part in this rule
                found.add(provider);
            } catch (ServiceConfigurationError | RuntimeException | LinkageError | AssertionError e) {
                System.getLogger(Found.class.getName()).log(System.Logger.Level.DEBUG, "a provider is broken",
                        e);
            }
        }
    }
}
