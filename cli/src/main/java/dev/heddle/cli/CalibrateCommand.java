package dev.heddle.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.heddle.cli.command.CommonFlags;
import dev.heddle.cli.command.Progress;
import dev.heddle.core.spi.CostProfile;
import dev.heddle.planner.BackendReport;
import dev.heddle.planner.Calibration;
import dev.heddle.planner.Heddle;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import me.tongfei.progressbar.ProgressBar;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code heddle calibrate}. */
@Command(name = "calibrate", description = "Measure this machine's constants of the planner's cost model.")
final class CalibrateCommand implements Callable<Integer> {
    @Mixin
    private CommonFlags common = new CommonFlags();

    @Option(names = "--backend", paramLabel = "ID",
            description = "one backend (default: all that are available)")
    private @Nullable String backend;

    @Override
    public Integer call() {
        JsonArray measured = new JsonArray();
        try (Heddle heddle = common.heddle().open()) {
            List<String> ids = backend != null ? List.of(backend) : heddle.backends().stream()
                    .filter(b -> b.status() == BackendReport.Status.AVAILABLE).map(BackendReport::id)
                    .toList();
            for (String id : ids) {
                Calibration calibration;
                try (ProgressBar bar = Progress.bar("calibrate " + id, 100)) {
                    calibration = heddle.calibrate(id, done -> bar.stepTo((long) (done * 100)));
                }
                CostProfile profile = calibration.profile();
                JsonObject one = new JsonObject();
                one.addProperty("backend", id);
                one.addProperty("read_gbytes_per_s", profile.readGbytesPerSecond());
                JsonObject gflops = new JsonObject();
                profile.gflops().forEach((dtype, rate) -> gflops.addProperty(dtype.id(), rate));
                one.add("gflops", gflops);
                one.addProperty("launch_us", profile.launchMicros());
                one.addProperty("plan_us", profile.planMicros());
                one.addProperty("plan_us_per_request", profile.planMicrosPerRequest());
                measured.add(one);
                if (!common.json()) {
                    common.out().println(String.format(Locale.ROOT,
                            "%s: reads %.1f GB/s (assumed %.1f), launch %.1f µs, plan %.1f µs + %.2f µs a request",
                            id, profile.readGbytesPerSecond(), calibration.shipped().readGbytesPerSecond(),
                            profile.launchMicros(), profile.planMicros(), profile.planMicrosPerRequest()));
                }
            }
        }
        if (common.json()) {
            JsonObject document = new JsonObject();
            document.add("calibrated", measured);
            common.print(document);
        }
        return 0;
    }
}
