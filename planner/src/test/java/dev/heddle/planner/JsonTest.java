package dev.heddle.planner;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.gson.JsonParser;
import dev.heddle.core.capability.Dimension;
import dev.heddle.core.capability.Phase;
import dev.heddle.core.capability.Rejection;
import dev.heddle.core.capability.RejectionCode;
import dev.heddle.core.spi.DeviceInfo;
import dev.heddle.core.tensor.MemorySpaceId;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class JsonTest {
    private static final Rejection GROUP =
            Rejection.of("abacus", RejectionCode.UNSUPPORTED_VALUE, Phase.CAPABILITY,
                    Dimension.GROUP_SIZE, "7", "{1,2}", "use another");
    private static final String GROUP_JSON =
            """
                    {"backend":"abacus","code":"UNSUPPORTED_VALUE","phase":"CAPABILITY","dimension":"group.size",\
                    "requested":"7","allowed":"{1,2}","remedy":"use another","message":"abacus cannot run this batch: \
                    group size 7 requested, {1,2} allowed; use another"}""";

    @Test
    void planNamesChoiceTermsAndReasons() {
        Map<String, Double> terms = new LinkedHashMap<>();
        terms.put("kv_read", 2.5);
        terms.put("launch", 10.0);
        PlanReport report = new PlanReport("a request", "fast", List.of(
                new PlanReport.Candidate("fast", true, 12.5, terms, List.of()),
                new PlanReport.Candidate("abacus", false, null, Map.of(), List.of(GROUP))));
        assertEquals("""
                {"request":"a request","chosen":"fast","candidates":[\
                {"backend":"fast","eligible":true,"estimate_us":12.5,"terms":{"kv_read":2.5,"launch":10.0},\
                "rejections":[]},\
                {"backend":"abacus","eligible":false,"estimate_us":null,"terms":{},"rejections":["""
                + GROUP_JSON
                + "]}]}", Json.plan(report).toString());
    }

    @Test
    void planWithoutAChoiceHasNull() {
        assertEquals("{\"request\":\"r\",\"chosen\":null,\"candidates\":[]}",
                Json.plan(new PlanReport("r", null, List.of())).toString());
    }

    @Test
    void backendsNameDeviceAndReasons() {
        DeviceInfo device = new DeviceInfo(new MemorySpaceId("cuda", 1), "X1", "sm_90", 1024, "driver 5");
        List<BackendReport> reports = List.of(
                new BackendReport("gpu", "1.0", BackendReport.Status.AVAILABLE, device, null, List.of(),
                        "gpu.jar"),
                new BackendReport("abacus", "", BackendReport.Status.BROKEN, null, null, List.of(GROUP), ""));
        assertEquals(
                """
                        {"backends":[{"id":"gpu","version":"1.0","status":"AVAILABLE",\
                        "device":{"space":"cuda:1","name":"X1","arch":"sm_90","memory_bytes":1024,"driver":"driver 5"},\
                        "capabilities":null,"rejections":[],"origin":"gpu.jar"},\
                        {"id":"abacus","version":"","status":"BROKEN","device":null,"capabilities":null,\
                        "rejections":["""
                        + GROUP_JSON + "],\"origin\":\"\"}]}",
                Json.backends(reports).toString());
    }

    @Test
    void backendsCarryTheDeclaration() {
        try (Heddle heddle = Layer.open(new FakeBackend("fake"))) {
            var json = JsonParser.parseString(Json.backends(heddle.backends()).toString()).getAsJsonObject();
            var declared =
                    json.getAsJsonArray("backends").get(0).getAsJsonObject().getAsJsonObject("capabilities");
            assertEquals(FakeBackend.DECODE, CapabilitiesJson.read(declared));
        }
    }

    @Test
    void rejectionShowsItsCauseInWords() {
        Rejection failure =
                Rejection.failure("gpu", RejectionCode.OPEN_FAILED, Phase.SELECTION, Dimension.BACKEND_ID,
                        "it broke", "mend it", new ArithmeticException("by zero"));
        assertEquals("""
                [{"backend":"gpu","code":"OPEN_FAILED","phase":"SELECTION","dimension":"backend.id",\
                "requested":"it broke","allowed":"","remedy":"mend it","message":"gpu: it broke; mend it",\
                "cause":"java.lang.ArithmeticException: by zero"}]""",
                Json.rejections(List.of(failure)).toString());
    }
}
