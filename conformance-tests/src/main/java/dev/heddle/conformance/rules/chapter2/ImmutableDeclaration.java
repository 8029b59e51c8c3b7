package dev.heddle.conformance.rules.chapter2;

import dev.heddle.conformance.ConformanceCase;
import dev.heddle.conformance.ConformanceFailure;
import dev.heddle.conformance.Kit;
import dev.heddle.conformance.KitOptions;
import dev.heddle.conformance.Rule;
import dev.heddle.conformance.Subject;
import dev.heddle.core.capability.Capabilities;
import dev.heddle.planner.Json;
import java.util.List;

/** 2.01: a declaration that changes cannot be planned with. */
final class ImmutableDeclaration implements Rule {
    @Override
    public String id() {
        return "2.01";
    }

    @Override
    public String claim() {
        return "The declaration is immutable, equal at every call, and round-trips through JSON";
    }

    @Override
    public List<ConformanceCase> cases(Subject subject, KitOptions options) {
        return List.of(
                ConformanceCase.plain(id(), "equal-at-every-call", options, ImmutableDeclaration::equal),
                ConformanceCase.plain(id(), "immutable", options, ImmutableDeclaration::immutable),
                ConformanceCase.plain(id(), "json", options, ImmutableDeclaration::json));
    }

    private static void equal(Kit kit) {
        Capabilities first = kit.subject().provider().capabilities();
        for (int call = 2; call <= 5; call++) {
            same("call " + call + " of capabilities()", first, kit.subject().provider().capabilities());
        }
        same("capabilities() after opening", first, kit.session().capabilities());
        same("capabilities() with a session open", first, kit.subject().provider().capabilities());
    }

    private static void same(String what, Capabilities first, Capabilities other) {
        if (!first.equals(other) || first.hashCode() != other.hashCode()) {
            throw new ConformanceFailure(
                    what + " differs from the first: the declaration must be equal at every call; first "
                            + first
                            + ", then " + other);
        }
    }

    private static void immutable(Kit kit) {
        Capabilities declared = kit.capabilities();
        // The record copies what it is given; what is left is that nobody hands out a subclass-like loophole.
        List<Runnable> attempts = List.of(
                () -> declared.dtypes().clear(),
                () -> declared.headDims().clear(),
                () -> declared.masks().clear(),
                () -> declared.features().clear(),
                () -> declared.kvLayouts().clear(),
                () -> declared.memorySpaces().clear());
        Capabilities before = declared.toBuilder().build();
        for (Runnable attempt : attempts) {
            try {
                attempt.run();
            } catch (UnsupportedOperationException e) {
                continue;
            }
            throw new ConformanceFailure("a collection of the declaration can be changed: " + declared);
        }
        same("the declaration after attempts to change it", before, kit.capabilities());
    }

    private static void json(Kit kit) {
        Capabilities declared = kit.capabilities();
        same("the declaration read back from JSON", declared,
                Json.readCapabilities(Json.capabilities(declared)));
    }
}
