package dev.heddle.planner;

import dev.heddle.core.capability.Capabilities;
import dev.heddle.core.capability.Dimension;
import dev.heddle.core.capability.Phase;
import dev.heddle.core.capability.Rejection;
import dev.heddle.core.capability.RejectionCode;
import dev.heddle.core.session.ProviderCheck;
import dev.heddle.core.spi.AttentionBackendProvider;
import dev.heddle.core.spi.Availability;
import dev.heddle.core.spi.DeviceInfo;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.ServiceConfigurationError;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Finds providers without letting a broken one hide another. */
final class Discovery {
    /** A loader that fails this often in a row is not going to find anything more. */
    private static final int MOST_FAILURES = 1000;

    private static final Pattern FAILED_CLASS =
            Pattern.compile("^\\S+: (?:Provider )?([\\w$]+(?:\\.[\\w$]+)+) ");

    private final List<Found> found = new ArrayList<>();

    /** A provider that can be used, on one device. */
    record Usable(
            String name, AttentionBackendProvider provider, Capabilities capabilities, DeviceInfo device,
            String origin) {}

    /** One thing that was found: usable, or not and why. */
    record Found(BackendReport report, @Nullable Usable usable) {}

    private Discovery() {}

    static List<Found> of(Iterator<AttentionBackendProvider> providers, Plugins plugins) {
        Discovery discovery = new Discovery();
        Map<String, List<AttentionBackendProvider>> byId = new LinkedHashMap<>();
        List<AttentionBackendProvider> all = discovery.iterate(providers);
        for (Plugin plugin : plugins.all()) {
            all.addAll(plugin.providers());
            for (Rejection rejection : plugin.rejections()) {
                discovery.broken(rejection.backendId(), "", List.of(rejection), plugin.place().toString());
            }
        }
        for (AttentionBackendProvider provider : all) {
            List<Rejection> rejections = ProviderCheck.check(provider);
            if (rejections.isEmpty()) {
                byId.computeIfAbsent(provider.id(), id -> new ArrayList<>()).add(provider);
            } else {
                discovery.broken(rejections.getFirst().backendId(), "", rejections, origin(provider));
            }
        }
        byId.forEach(discovery::admit);
        return discovery.found;
    }

    private List<AttentionBackendProvider> iterate(Iterator<AttentionBackendProvider> providers) {
        List<AttentionBackendProvider> all = new ArrayList<>();
        int failures = 0;
        while (failures < MOST_FAILURES) {
            try {
                if (!providers.hasNext()) {
                    break;
                }
                all.add(providers.next());
                failures = 0;
            } catch (ServiceConfigurationError | LinkageError | RuntimeException e) {
                failures++;
                String name = nameIn(e.getMessage());
                broken(name, "", List.of(ProviderCheck.unloadable(name, e)), "");
            }
        }
        return all;
    }

    /** Takes the class out of "service: Provider com.example.X not found", or "service: com.example.X not a subtype". */
    private static String nameIn(@Nullable String message) {
        Matcher matcher = FAILED_CLASS.matcher(message == null ? "" : message);
        return matcher.find() ? matcher.group(1) : "unknown provider";
    }

    private void admit(String id, List<AttentionBackendProvider> claimants) {
        if (claimants.size() > 1) {
            List<String> origins =
                    claimants.stream().map(c -> c.getClass().getName() + " in " + origin(c)).toList();
            for (AttentionBackendProvider claimant : claimants) {
                broken(id, claimant.version(), List.of(Rejection.failure(id, RejectionCode.DUPLICATE_ID,
                        Phase.DISCOVERY, Dimension.BACKEND_ID,
                        "the id is claimed by " + String.join(" and by ", origins),
                        "remove one of them", null)), origin(claimant));
            }
            return;
        }
        AttentionBackendProvider provider = claimants.getFirst();
        String origin = origin(provider);
        Capabilities capabilities = provider.capabilities();
        Availability availability;
        try {
            availability = Objects.requireNonNull(provider.probe(), "probe() returned null");
        } catch (RuntimeException | LinkageError | AssertionError e) {
            broken(id, provider.version(), List.of(Rejection.failure(id, RejectionCode.PROVIDER_FAILED,
                    Phase.DISCOVERY, Dimension.DEVICE, "looking for its device failed with " + e,
                    "update or remove its jar", e)), origin);
            return;
        }
        switch (availability) {
            case Availability.Unavailable(List<Rejection> reasons) -> found.add(new Found(
                    new BackendReport(id, provider.version(), BackendReport.Status.UNAVAILABLE, null,
                            capabilities,
                            reasons, origin),
                    null));
            case Availability.Available(List<DeviceInfo> devices) -> {
                for (DeviceInfo device : devices) {
                    String name = device == devices.getFirst() ? id : id + "@" + device.space();
                    found.add(new Found(
                            new BackendReport(name, provider.version(), BackendReport.Status.AVAILABLE,
                                    device,
                                    capabilities, List.of(), origin),
                            new Usable(name, provider, capabilities, device, origin)));
                }
            }
        }
    }

    private void broken(String id, String version, List<Rejection> rejections, String origin) {
        found.add(new Found(
                new BackendReport(id, version, BackendReport.Status.BROKEN, null, null, rejections, origin),
                null));
    }

    static String origin(AttentionBackendProvider provider) {
        Class<?> type = provider.getClass();
        var source = type.getProtectionDomain().getCodeSource();
        if (source != null && source.getLocation() != null) {
            return source.getLocation().getPath();
        }
        return type.getModule().isNamed() ? "module " + type.getModule().getName() : type.getName();
    }
}
