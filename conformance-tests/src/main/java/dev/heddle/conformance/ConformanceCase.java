package dev.heddle.conformance;

import dev.heddle.core.Evolving;

/**
 * One thing to prove.
 *
 * @param rule the rule's number: {@code "3.01"}
 * @param name {@code rule/shape/seedN}; reproduces the case alone
 * @param numeric whether it compares numbers with the oracle
 * @param body proves it
 * @since 0.1
 */
@Evolving
public record ConformanceCase(String rule, String name, boolean numeric, CaseBody body) {
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
