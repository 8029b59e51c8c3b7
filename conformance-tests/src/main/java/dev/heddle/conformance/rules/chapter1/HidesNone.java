package dev.heddle.conformance.rules.chapter1;

import dev.heddle.conformance.ConformanceCase;
import dev.heddle.conformance.ConformanceFailure;
import dev.heddle.conformance.Kit;
import dev.heddle.conformance.KitOptions;
import dev.heddle.conformance.Rule;
import dev.heddle.conformance.Subject;
import dev.heddle.core.spi.AttentionBackendProvider;
import dev.heddle.planner.BackendReport;
import dev.heddle.planner.Heddle;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Rule 1.03. */
final class HidesNone implements Rule {
    private static final String ABSENT = "dev.heddle.absent.NoSuchBackend";

    @Override
    public String id() {
        return "1.03";
    }

    @Override
    public String claim() {
        return "A provider that cannot load or throws hides no other, and is listed with its root cause";
    }

    @Override
    public List<ConformanceCase> cases(Subject subject, KitOptions options) {
        List<ConformanceCase> cases = new ArrayList<>();
        for (BrokenProvider.Fault fault : BrokenProvider.Fault.values()) {
            cases.add(ConformanceCase.plain(
                    id(), "broken-" + fault.shapeName(), options, kit -> besideBroken(kit, fault)));
        }
        cases.add(ConformanceCase.plain(id(), "broken-jar", options, HidesNone::besideBrokenJar));
        return cases;
    }

    private static void besideBroken(Kit kit, BrokenProvider.Fault fault) {
        AttentionBackendProvider subject = kit.subject().provider();
        BackendReport alone = find(kit.subject().house().discovery().backends(List.of(subject)),
                kit.subject().id())
                .orElseThrow(
                        () -> new ConformanceFailure(kit.subject().id() + " is not listed when it is alone"));
        List<BackendReport> reports = kit.subject().house().discovery().backends(List.of(
                new BrokenProvider("kit-broken-before", fault), subject,
                new BrokenProvider("kit-broken-after", fault)));
        BackendReport beside = find(reports, kit.subject().id())
                .orElseThrow(() -> new ConformanceFailure(
                        "a provider that throws in " + fault.shapeName() + " hides " + kit.subject().id()));
        if (beside.status() != alone.status()) {
            throw new ConformanceFailure(kit.subject().id() + " is " + alone.status() + " alone and "
                    + beside.status()
                    + " beside a provider that throws in " + fault.shapeName() + ": " + beside.rejections());
        }
        boolean named = reports.stream()
                .filter(r -> r.status() != BackendReport.Status.AVAILABLE)
                .flatMap(r -> r.rejections().stream())
                .anyMatch(r -> r.message().contains(BrokenProvider.ROOT_CAUSE) || mentions(r.cause()));
        if (!named) {
            throw new ConformanceFailure("a provider that throws in " + fault.shapeName()
                    + " is not listed with its root cause '" + BrokenProvider.ROOT_CAUSE + "', got "
                    + reports);
        }
    }

    private static boolean mentions(Throwable cause) {
        for (Throwable t = cause; t != null; t = t.getCause()) {
            if (String.valueOf(t.getMessage()).contains(BrokenProvider.ROOT_CAUSE)) {
                return true;
            }
        }
        return false;
    }

    private static Optional<BackendReport> find(List<BackendReport> reports, String id) {
        return reports.stream().filter(r -> r.id().equals(id)).findFirst();
    }

    private static void besideBrokenJar(Kit kit) {
        ClassLoader parent = kit.subject().provider().getClass().getClassLoader();
        List<String> without = ids(parent);
        try {
            Path folder = Files.createTempDirectory("heddle-broken-jar");
            Path services = folder.resolve("META-INF/services");
            Path file = services.resolve(AttentionBackendProvider.class.getName());
            try {
                Files.createDirectories(services);
                Files.writeString(file, ABSENT + "\n");
                try (URLClassLoader loader = new URLClassLoader(new URL[]{folder.toUri().toURL()}, parent)) {
                    requireListed(loader, without);
                }
            } finally {
                Files.deleteIfExists(file);
                Files.deleteIfExists(services);
                Files.deleteIfExists(services.getParent());
                Files.deleteIfExists(folder);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("a folder that stands for a broken jar cannot be made", e);
        }
    }

    private static List<String> ids(ClassLoader loader) {
        try (Heddle heddle = Heddle.builder().classLoader(loader).open()) {
            return heddle.backends().stream().map(BackendReport::id).toList();
        }
    }

    private static void requireListed(ClassLoader loader, List<String> without) {
        try (Heddle heddle = Heddle.builder().classLoader(loader).open()) {
            List<String> with = heddle.backends().stream().map(BackendReport::id).toList();
            if (!with.containsAll(without)) {
                throw new ConformanceFailure("a jar whose provider is missing hides others: " + without
                        + " were found without it, " + with + " with it");
            }
            if (heddle.backends().stream().noneMatch(r -> r.status() == BackendReport.Status.BROKEN
                    && r.rejections().stream().anyMatch(one -> one.message().contains(ABSENT)))) {
                throw new ConformanceFailure(
                        "a jar whose provider " + ABSENT + " is missing is not listed, got "
                                + heddle.backends());
            }
        }
    }
}
