package dev.heddle.conformance.rules.chapter5;

import dev.heddle.conformance.Subject;
import dev.heddle.conformance.declared.Declared;
import dev.heddle.conformance.declared.Shape;
import dev.heddle.conformance.input.RequestBuilder;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.capability.Capabilities;
import java.util.Arrays;

/** The subject's usual spec with small batches. */
final class Requests {
    private final AttentionSpec spec;
    private final Declared declared;
    private final int alignment;

    Requests(Capabilities can) {
        declared = new Declared(can);
        spec = declared.base().build();
        alignment = can.alignment();
    }

    static String shape(Subject subject, String what) {
        return Shape.nameOf(new Requests(subject.provider().capabilities()).spec) + "-" + what;
    }

    /** Starts a decode batch with these KV lengths, as far as they are declared. */
    RequestBuilder decode(long seed, int... kvLens) {
        int[] qoLens = new int[kvLens.length];
        Arrays.fill(qoLens, 1);
        return RequestBuilder.of(spec)
                .qoLens(declared.qoLens(qoLens))
                .kvLens(declared.kvLens(kvLens))
                .seed(seed)
                .alignment(alignment);
    }

    int[] kvLens(int... kvLens) {
        return declared.kvLens(kvLens);
    }
}
