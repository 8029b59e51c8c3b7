package dev.heddle.conformance.saboteur;

import dev.heddle.core.Evolving;
import java.util.List;

/**
 * The table of saboteurs in docs/conformance.md.
 *
 * @since 0.1
 */
@Evolving
public final class SaboteurTable {
    private SaboteurTable() {}

    /** Returns the table as Markdown, each line ending in a line break. */
    public static String markdown(List<Saboteur> saboteurs) {
        StringBuilder table = new StringBuilder(
                "| rule | saboteur | what is wrong | what the kit says |\n|---|---|---|---|\n");
        for (Saboteur saboteur : saboteurs) {
            table.append("| ").append(saboteur.rule())
                    .append(" | ").append(saboteur.name())
                    .append(" | ").append(saboteur.fault())
                    .append(" | ").append(words(saboteur.says()))
                    .append(" |\n");
        }
        return table.toString();
    }

    /** Where a message varies there is an ellipsis. */
    private static String words(String pattern) {
        return pattern.replace("*", "\u2026").replace("|", "\\|").replace("[", "\\[").replace("<", "&lt;");
    }
}
