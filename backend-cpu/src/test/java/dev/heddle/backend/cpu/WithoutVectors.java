package dev.heddle.backend.cpu;

import dev.heddle.conformance.input.Output;
import dev.heddle.conformance.input.Request;
import dev.heddle.conformance.input.RequestBuilder;
import dev.heddle.conformance.oracle.Expected;
import dev.heddle.conformance.oracle.Oracle;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.session.BackendSession;
import dev.heddle.core.tensor.DataType;

/** What {@link LoopChoiceTest} runs in a JVM without the incubator module. Fails by exception. */
final class WithoutVectors {
    private WithoutVectors() {}

    static Request request() {
        AttentionSpec spec = AttentionSpec.builder().numQoHeads(6).numKvHeads(2).headDim(40)
                .dtype(DataType.F16).kvDtype(DataType.FP8_E4M3).outDtype(DataType.F32).pageSize(7).causal()
                .sinks(true).build();
        return RequestBuilder.of(spec).qoLens(1, 5).kvLens(1100, 33).seed(9).build();
    }

    static void requireNearOracle(Request request, Output output) {
        Expected exact = Oracle.attend(request.spec(), request.batch(), request.q(), request.kv(),
                request.heads());
        for (int i = 0; i < output.out().length; i++) {
            if (!(Math.abs(output.out()[i] - exact.out()[i]) <= 1e-4)) {
                throw new AssertionError("out " + i + " is " + output.out()[i] + ", not " + exact.out()[i]);
            }
        }
        for (int i = 0; i < output.lse().length; i++) {
            if (!(Math.abs(output.lse()[i] - exact.lse()[i]) <= 1e-4)) {
                throw new AssertionError("lse " + i + " is " + output.lse()[i] + ", not " + exact.lse()[i]);
            }
        }
    }

    static void main() {
        Request request = request();
        for (int parallelism : new int[]{1, 3}) { // two sessions, one word about it
            try (Opened opened = new Opened(parallelism)) {
                requireNearOracle(request, opened.run(request));
                BackendSession session = opened.session();
                if (!LoopChoice.loops().name().equals("scalar") || session.costProfile() == null) {
                    throw new AssertionError("not scalar: " + LoopChoice.loops().name());
                }
            }
        }
        if (!new CpuBackendProvider().probe().toString().contains("scalar")) {
            throw new AssertionError("the device does not say scalar");
        }
    }
}
