package dev.heddle.conformance.rules.chapter1;

import dev.heddle.conformance.ConformanceCase;
import dev.heddle.conformance.ConformanceFailure;
import dev.heddle.conformance.Kit;
import dev.heddle.conformance.KitOptions;
import dev.heddle.conformance.Rule;
import dev.heddle.conformance.Subject;
import dev.heddle.core.capability.Rejection;
import dev.heddle.core.session.ProviderCheck;
import dev.heddle.core.spi.AttentionBackendProvider;
import dev.heddle.core.spi.Availability;
import dev.heddle.core.spi.DeviceInfo;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** Rule 1.02. */
final class Describes implements Rule {
    private static final int CALLS = 3;

    @Override
    public String id() {
        return "1.02";
    }

    @Override
    public String claim() {
        return "Describing itself touches no device and throws nothing; absent hardware is an unavailable status with a"
                + " reason";
    }

    @Override
    public List<ConformanceCase> cases(Subject subject, KitOptions options) {
        return List.of(
                ConformanceCase.plain(id(), "describe", options, Describes::describe),
                ConformanceCase.plain(id(), "probe", options, Describes::probe));
    }

    private static void describe(Kit kit) {
        AttentionBackendProvider provider = kit.subject().provider();
        Set<String> threads = Usage.threadNames();
        Set<String> devices = Usage.openDevices();
        for (int i = 0; i < CALLS; i++) {
            List<Rejection> problems = ProviderCheck.check(provider);
            if (!problems.isEmpty()) {
                throw new ConformanceFailure(
                        problems.stream().map(Rejection::message).collect(Collectors.joining("; ")));
            }
            if (provider.version().isBlank() || provider.version().lines().count() != 1) {
                throw new ConformanceFailure(
                        "the version must be one line of text, got '" + provider.version() + "'");
            }
        }
        requireNothingNew("opened device files", devices, Usage.openDevices());
        requireNothingNew("started threads", threads, Usage.threadNames());
    }

    private static void requireNothingNew(String what, Set<String> before, Set<String> after) {
        Set<String> fresh = new TreeSet<>(after);
        fresh.removeAll(before);
        if (!fresh.isEmpty()) {
            throw new ConformanceFailure(
                    "id(), version(), spiVersion() and capabilities() " + what + ": " + fresh
                            + "; leave that to probe() and open()");
        }
    }

    private static void probe(Kit kit) {
        AttentionBackendProvider provider = kit.subject().provider();
        for (int i = 0; i < CALLS; i++) {
            Availability answer;
            try {
                answer = provider.probe();
            } catch (RuntimeException | LinkageError | AssertionError e) {
                throw new ConformanceFailure(
                        "probe() must return Unavailable with a reason where it threw " + e, e);
            }
            switch (answer) {
                case Availability.Unavailable(List<Rejection> reasons) ->
                    reasons.forEach(Describes::requireWords);
                case Availability.Available(List<DeviceInfo> devices) ->
                    devices.forEach(device -> requireDeclared(provider, device));
                case null -> throw new ConformanceFailure("probe() returned null");
            }
        }
    }

    private static void requireWords(Rejection reason) {
        if (reason.message().isBlank()) {
            throw new ConformanceFailure("probe() gives a reason without words: " + reason);
        }
    }

    private static void requireDeclared(AttentionBackendProvider provider, DeviceInfo device) {
        Set<String> declared = provider.capabilities().memorySpaces();
        if (!declared.contains(device.space().kind())) {
            throw new ConformanceFailure(
                    "probe() names device " + device.name() + " in memory space " + device.space()
                            + ", but only " + declared + " are declared");
        }
    }
}
