package dev.heddle.conformance;

import dev.heddle.core.Evolving;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.ServiceLoader;

/**
 * A list of rules. Books are found by {@link ServiceLoader}, the kit's own among them, so that a project may add
 * rules of its own to every run.
 *
 * @since 0.1
 */
@Evolving
public interface RuleBook {
    /** Returns the rules of this book. */
    List<Rule> rules();

    /** Returns the rules of every book, by number. */
    static List<Rule> all() {
        List<Rule> rules = new ArrayList<>();
        ServiceLoader.load(RuleBook.class, RuleBook.class.getClassLoader())
                .forEach(book -> rules.addAll(book.rules()));
        rules.sort(Comparator.comparing(Rule::id));
        return List.copyOf(rules);
    }
}
