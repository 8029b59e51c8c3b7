package dev.heddle.conformance;

import dev.heddle.conformance.declared.Shape;
import dev.heddle.core.Evolving;
import org.jspecify.annotations.Nullable;

/**
 * One thing to prove.
 *
 * @param rule the rule's number: {@code "3.01"}
 * @param name {@code rule/shape/seedN}; reproduces the case alone
 * @param numeric whether it compares numbers with the oracle
 * @param body proves it
 * @param family how to prove the same of another shape, or null
 * @since 0.1
 */
@Evolving
public record ConformanceCase(
        String rule, String name, boolean numeric, CaseBody body, @Nullable ShapeFamily family) {
    /** Makes a case that is about one shape only, or about none. */
    public ConformanceCase(String rule, String name, boolean numeric, CaseBody body) {
        this(rule, name, numeric, body, null);
    }

    /** Returns a case that compares numbers, of a family. */
    public static ConformanceCase ofFamily(String rule, ShapeFamily family, long seed) {
        String name = rule + "/" + family.prefix() + family.shape().name() + "/seed" + seed;
        return new ConformanceCase(rule, name, true, family.proof().apply(family.shape()), family);
    }

    /**
     * Returns the case of the same family and seed for another shape.
     *
     * @throws IllegalStateException if this case is of no family
     */
    public ConformanceCase reshaped(Shape other) {
        ShapeFamily mine = family;
        if (mine == null) {
            throw new IllegalStateException(name + " is about no shape that could be another");
        }
        long seed = Long.parseLong(name.substring(name.lastIndexOf("/seed") + "/seed".length()));
        return ofFamily(rule, new ShapeFamily(mine.prefix(), other, mine.proof()), seed);
    }

    /** Returns a case that compares numbers; {@code shape} must not have slashes. */
    public static ConformanceCase numeric(String rule, String shape, KitOptions options, CaseBody body) {
        return new ConformanceCase(rule, nameOf(rule, shape, options), true, body);
    }

    /** Returns a case that compares no numbers; {@code shape} must not have slashes. */
    public static ConformanceCase plain(String rule, String shape, KitOptions options, CaseBody body) {
        return new ConformanceCase(rule, nameOf(rule, shape, options), false, body);
    }

    /** Returns the case of a rule that does not apply; {@code reason} says what is not declared. */
    public static ConformanceCase notDeclared(String rule, KitOptions options, String reason) {
        return new ConformanceCase(rule, nameOf(rule, "not-declared", options), false, kit -> {
            throw new NotDeclaredException(reason);
        });
    }

    private static String nameOf(String rule, String shape, KitOptions options) {
        return rule + "/" + shape + "/seed" + options.seed();
    }

    /** Returns the middle part of the name. */
    public String shape() {
        return name.substring(name.indexOf('/') + 1, name.lastIndexOf('/'));
    }

    /** Returns a seed for inputs, from the whole name. */
    public long seed() {
        return Kit.seedOf(name);
    }
}
