package dev.heddle.planner;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.heddle.core.Evolving;
import dev.heddle.core.capability.Capabilities;
import dev.heddle.core.capability.Rejection;
import dev.heddle.core.spi.DeviceInfo;
import java.util.List;

/**
 * Reports as JSON trees. Field names are documented in docs/cli.md and never change within a major version.
 *
 * @since 0.1
 */
@Evolving
public final class Json {
    private Json() {}

    /** Returns {@code {"request","chosen","candidates":[…]}}. */
    public static JsonObject plan(PlanReport report) {
        JsonObject json = new JsonObject();
        json.addProperty("request", report.request());
        json.addProperty("chosen", report.chosen());
        JsonArray candidates = new JsonArray();
        for (PlanReport.Candidate candidate : report.candidates()) {
            JsonObject one = new JsonObject();
            one.addProperty("backend", candidate.backend());
            one.addProperty("eligible", candidate.eligible());
            one.addProperty("estimate_us", candidate.estimateMicros());
            JsonObject terms = new JsonObject();
            candidate.terms().forEach(terms::addProperty);
            one.add("terms", terms);
            one.add("rejections", rejections(candidate.rejections()));
            candidates.add(one);
        }
        json.add("candidates", candidates);
        return json;
    }

    /** Returns {@code {"backends":[…]}}. */
    public static JsonObject backends(List<BackendReport> reports) {
        JsonArray backends = new JsonArray();
        for (BackendReport report : reports) {
            JsonObject one = new JsonObject();
            one.addProperty("id", report.id());
            one.addProperty("version", report.version());
            one.addProperty("status", report.status().name());
            DeviceInfo device = report.device();
            if (device != null) {
                JsonObject about = new JsonObject();
                about.addProperty("space", device.space().toString());
                about.addProperty("name", device.name());
                about.addProperty("arch", device.arch());
                about.addProperty("memory_bytes", device.memoryBytes());
                about.addProperty("driver", device.driver());
                one.add("device", about);
            } else {
                one.add("device", null);
            }
            one.add("capabilities",
                    report.capabilities() == null ? null : CapabilitiesJson.write(report.capabilities()));
            one.add("rejections", rejections(report.rejections()));
            one.addProperty("origin", report.origin());
            backends.add(one);
        }
        JsonObject json = new JsonObject();
        json.add("backends", backends);
        return json;
    }

    /** Returns a declaration as text; {@link #readCapabilities} reads it back, equal. */
    public static String capabilities(Capabilities capabilities) {
        return CapabilitiesJson.write(capabilities).toString();
    }

    /**
     * Reads what {@link #capabilities} wrote.
     *
     * @throws com.google.gson.JsonParseException naming the field that is missing or malformed
     */
    public static Capabilities readCapabilities(String text) {
        return CapabilitiesJson.read(JsonParser.parseString(text).getAsJsonObject());
    }

    /** Returns reasons as an array; a cause becomes its words. */
    public static JsonArray rejections(List<Rejection> rejections) {
        JsonArray array = new JsonArray();
        for (Rejection rejection : rejections) {
            JsonObject one = new JsonObject();
            one.addProperty("backend", rejection.backendId());
            one.addProperty("code", rejection.code().name());
            one.addProperty("phase", rejection.phase().name());
            one.addProperty("dimension", rejection.dimension().id());
            one.addProperty("requested", rejection.requested());
            one.addProperty("allowed", rejection.allowed());
            one.addProperty("remedy", rejection.remedy());
            one.addProperty("message", rejection.message());
            if (rejection.cause() != null) {
                one.addProperty("cause", rejection.cause().toString());
            }
            array.add(one);
        }
        return array;
    }
}
