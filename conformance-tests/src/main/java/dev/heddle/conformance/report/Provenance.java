package dev.heddle.conformance.report;

import dev.heddle.conformance.ConformanceCase;
import dev.heddle.conformance.ConformanceReport;
import dev.heddle.core.spi.DeviceInfo;

/** Where a run's results come from, in words that every report shares. */
final class Provenance {
    private Provenance() {}

    static String device(ConformanceReport report) {
        DeviceInfo device = report.device();
        return device == null ? "none" : device.name() + " (" + device.arch() + ", " + device.driver() + ")";
    }

    static String java() {
        return System.getProperty("java.vm.name", "Java") + " " + Runtime.version();
    }

    static String system() {
        return System.getProperty("os.name") + " " + System.getProperty("os.arch");
    }

    static String kit() {
        String version = Provenance.class.getPackage().getImplementationVersion();
        return version == null ? "unversioned" : version;
    }

    static String budget(ConformanceReport report) {
        int left = report.leftOut().values().stream().mapToInt(Integer::intValue).sum();
        return report.options().budget() + (left == 0 ? "" : ", which left out " + left + " derived cases");
    }

    static String command(ConformanceReport report, ConformanceCase kase) {
        return "./heddle conformance --backend " + report.backend() + " --case '" + kase.name() + "'";
    }
}
