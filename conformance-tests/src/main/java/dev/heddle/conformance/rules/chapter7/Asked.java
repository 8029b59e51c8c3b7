package dev.heddle.conformance.rules.chapter7;

import dev.heddle.conformance.ConformanceFailure;
import dev.heddle.conformance.Kit;
import dev.heddle.conformance.Subject;
import dev.heddle.conformance.declared.Declared;
import dev.heddle.conformance.declared.Shape;
import dev.heddle.conformance.house.Planners;
import dev.heddle.conformance.input.Placed;
import dev.heddle.conformance.input.Request;
import dev.heddle.conformance.input.RequestBuilder;
import dev.heddle.core.capability.UnsupportedRequestException;
import java.util.Arrays;
import java.util.List;

/** What the rules of this chapter ask planners. */
final class Asked {
    private Asked() {}

    static Request request(Kit kit, int... kvLens) {
        kit.session(); // without a device the case does not apply
        Declared declared = new Declared(kit.capabilities());
        int[] qoLens = new int[kvLens.length];
        Arrays.fill(qoLens, 1);
        return RequestBuilder.of(declared.base().build())
                .qoLens(declared.qoLens(qoLens))
                .kvLens(declared.kvLens(kvLens))
                .seed(kit.seed())
                .alignment(kit.capabilities().alignment())
                .build();
    }

    static String shape(Subject subject, String what) {
        return Shape.nameOf(new Declared(subject.provider().capabilities()).base().build()) + "-" + what;
    }

    static Placed place(Kit kit, Planners.Planner planner, Request request) {
        return new Placed(planner.memorySpace(), request, kit.capabilities().alignment());
    }

    static void requireBackend(String when, String expected, String got) {
        if (!expected.equals(got)) {
            throw new ConformanceFailure(when + ": backend " + expected + " was expected, got " + got);
        }
    }

    /** Runs what must be refused and holds the error against the backends that it must name. */
    static void requireReasonsOf(String when, List<String> backends, Runnable work) {
        try {
            work.run();
        } catch (UnsupportedRequestException e) {
            for (String backend : backends) {
                if (e.rejections().stream().noneMatch(r -> r.backendId().equals(backend))
                        || !e.getMessage().contains(backend)) {
                    throw new ConformanceFailure(when + ": the error does not give the reasons of " + backend
                            + ", it says: " + e.getMessage(), e);
                }
            }
            return;
        }
        throw new ConformanceFailure(when + ": UnsupportedRequestException was expected, nothing was thrown");
    }
}
