package dev.heddle.conformance.report;

import dev.heddle.conformance.CaseResult;
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

    static String command(ConformanceReport report, CaseResult result) {
        return "./heddle conformance --backend " + report.backend() + " --case '" + result.kase().name()
                + "'";
    }
}
