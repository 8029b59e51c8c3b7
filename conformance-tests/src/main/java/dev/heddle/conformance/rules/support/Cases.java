package dev.heddle.conformance.rules.support;

import dev.heddle.conformance.CaseBody;
import dev.heddle.conformance.ConformanceCase;
import dev.heddle.conformance.ConformanceFailure;
import dev.heddle.conformance.KitOptions;
import dev.heddle.conformance.ShapeFamily;
import dev.heddle.conformance.declared.Declared;
import dev.heddle.conformance.declared.Shape;
import dev.heddle.conformance.input.Request;
import dev.heddle.conformance.input.RequestBuilder;
import dev.heddle.core.Evolving;
import dev.heddle.core.attention.AttentionSpec;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;

/**
 * Collects the cases of one rule: no name twice, nothing that the declaration does not contain, and one case that
 * says so where nothing is left.
 *
 * @since 0.1
 */
@Evolving
public final class Cases {
    private static final long MOST_WORK = 3_000_000; // multiply-adds of one case

    private final String rule;
    private final KitOptions options;
    private final Declared declared;
    private final List<ConformanceCase> cases = new ArrayList<>();
    private final Set<String> names = new LinkedHashSet<>();

    /** Starts a list. */
    public Cases(String rule, Declared declared, KitOptions options) {
        this.rule = rule;
        this.declared = declared;
        this.options = options;
    }

    /** Adds a case that compares numbers. */
    public Cases numeric(String shape, CaseBody body) {
        if (names.add(shape)) {
            cases.add(ConformanceCase.numeric(rule, shape, options, body));
        }
        return this;
    }

    /** Adds a case that proves something of a shape, and could of any other; {@code prefix} ends in a dash. */
    public Cases shaped(String prefix, Shape shape, Function<Shape, CaseBody> proof) {
        if (names.add(prefix + shape.name())) {
            cases.add(ConformanceCase.ofFamily(rule, new ShapeFamily(prefix, shape, proof), options.seed()));
        }
        return this;
    }

    /** Adds a case that compares no numbers. */
    public Cases plain(String shape, CaseBody body) {
        if (names.add(shape)) {
            cases.add(ConformanceCase.plain(rule, shape, options, body));
        }
        return this;
    }

    /** Adds a case that runs a shape and compares it with the oracle. */
    public Cases check(Shape shape) {
        return check("", shape);
    }

    /** As {@link #check(Shape)}, with a word before the shape's name. */
    public Cases check(String prefix, Shape shape) {
        return shaped(prefix, shape, checkOf(declared));
    }

    /** Returns what runs a shape and compares it with the oracle. */
    public static Function<Shape, CaseBody> checkOf(Declared declared) {
        return shape -> kit -> kit.check(request(declared, shape, kit.seed()));
    }

    /** As {@link #check(String, Shape)}; a failure begins with {@code hint}, which says what must hold. */
    public Cases check(String prefix, Shape shape, String hint) {
        return shaped(prefix, shape, at -> kit -> hinted(hint, () -> kit.check(
                request(declared, at, kit.seed()))));
    }

    /** Runs work; a failure begins with {@code hint}, which says what must hold. */
    public static void hinted(String hint, Runnable work) {
        try {
            work.run();
        } catch (ConformanceFailure e) {
            throw new ConformanceFailure(hint + ": " + e.getMessage(), e);
        }
    }

    /** Says in a case of its own that a part of the rule does not apply. */
    public Cases notDeclared(String what, String reason) {
        ConformanceCase none = ConformanceCase.notDeclared(rule, options, reason);
        return plain(what + "-not-declared", none.body());
    }

    /** Returns the cases, or the one that says that the rule does not apply. */
    public List<ConformanceCase> orNotDeclared(String reason) {
        return cases.isEmpty() ? List.of(ConformanceCase.notDeclared(rule, options, reason))
                : List.copyOf(cases);
    }

    /** Returns a request of a shape in the alignment that the declaration asks for. */
    public static Request request(Declared declared, Shape shape, long seed) {
        return builder(declared, shape, seed).build();
    }

    /** Starts a request of a shape in the alignment that the declaration asks for. */
    public static RequestBuilder builder(Declared declared, Shape shape, long seed) {
        return RequestBuilder.of(shape.spec())
                .qoLens(shape.qoLens())
                .kvLens(shape.kvLens())
                .alignment(declared.capabilities().alignment())
                .seed(seed);
    }

    /** Returns a shape with lengths moved into the declaration, and shortened until the case is quick. */
    public static Shape shape(Declared declared, AttentionSpec spec, int[] qoLens, int[] kvLens) {
        long perPair = (long) spec.numQoHeads() * (spec.headDimQk() + spec.headDimVo());
        int[] qo = declared.qoLens(qoLens);
        int[] kv = declared.kvLens(kvLens);
        for (int divisor = 2; work(qo, kv) * perPair > MOST_WORK && divisor <= 16; divisor *= 2) {
            int[] shorter = kvLens.clone();
            int[] fewer = qoLens.clone();
            for (int i = 0; i < shorter.length; i++) {
                shorter[i] = Math.min(shorter[i], Math.max(17 + i, shorter[i] / divisor));
            }
            for (int i = 0; i < fewer.length; i++) {
                fewer[i] = Math.min(fewer[i], Math.max(2, fewer[i] / divisor));
            }
            qo = declared.qoLens(fewer);
            kv = declared.kvLens(shorter);
        }
        return new Shape(spec, qo, kv);
    }

    private static long work(int[] qo, int[] kv) {
        long work = 0;
        for (int i = 0; i < kv.length; i++) {
            work += (long) qo[i % qo.length] * kv[i];
        }
        return work;
    }
}
