package dev.heddle.core.pool;

import dev.heddle.core.Evolving;

/**
 * A whole page to copy in every layer, K and V, before a sequence writes to its new page.
 *
 * @param from the shared page
 * @param to the page that takes its place in the sequence that writes
 * @since 0.1
 */
@Evolving
public record PageCopy(int from, int to) {}
