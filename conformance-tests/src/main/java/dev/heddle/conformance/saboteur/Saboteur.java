package dev.heddle.conformance.saboteur;

import dev.heddle.conformance.KitOptions;
import dev.heddle.conformance.Subject;
import dev.heddle.conformance.house.House;
import dev.heddle.core.Evolving;
import dev.heddle.core.spi.AttentionBackendProvider;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;

/**
 * One way to be wrong, and what the kit must say of it.
 *
 * @param rule the rule that must catch it, or {@link #VERDICT}
 * @param name what it is called: words and dashes
 * @param fault what is wrong, in a few words
 * @param cases the glob of the cases that are run on it
 * @param says what the kit must say, {@code *} standing for anything
 * @param isolated whether the cases run in a child VM
 * @param options changes the usual options
 * @param broken puts the fault into a backend that is right
 * @since 0.1
 */
@Evolving
public record Saboteur(String rule, String name, String fault, String cases, String says, boolean isolated,
        UnaryOperator<KitOptions> options, Function<AttentionBackendProvider, Subject> broken) {
    /** In place of a rule: no case fails, and the verdict on the run says why it proves nothing. */
    public static final String VERDICT = "verdict";

    /** A broken backend. */
    static Saboteur backend(String rule, String name, String fault, String says,
            Function<AttentionBackendProvider, AttentionBackendProvider> broken) {
        return new Saboteur(rule, name, fault, rule, says, false, options -> options, real -> {
            AttentionBackendProvider made = broken.apply(real);
            return new Subject(real.id(), made);
        });
    }

    /** A backend that is right in a broken house. */
    static Saboteur house(String rule, String name, String fault, String says, Supplier<House> broken) {
        return new Saboteur(rule, name, fault, rule, says, false, options -> options,
                real -> Subject.of(real).in(broken.get()));
    }

    /** Returns this saboteur, examined by some cases only. */
    Saboteur by(String glob) {
        return new Saboteur(rule, name, fault, glob, says, isolated, options, broken);
    }

    /** Returns this saboteur, examined in a child VM. */
    Saboteur inChildVm() {
        return new Saboteur(rule, name, fault, cases, says, true, options, broken);
    }

    /** Returns this saboteur, examined with other options. */
    Saboteur with(UnaryOperator<KitOptions> change) {
        return new Saboteur(rule, name, fault, cases, says, isolated, change, broken);
    }

    /** Returns whether a message says what the kit must say. */
    public boolean isNamedBy(String message) {
        StringBuilder regex = new StringBuilder("(?s).*");
        for (String part : says.split("\\*", -1)) {
            regex.append(Pattern.quote(part)).append(".*");
        }
        return message.matches(regex.toString());
    }
}
