package dev.heddle.conformance.house;

import dev.heddle.core.Evolving;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.PlanOptions;
import dev.heddle.core.capability.Support;
import dev.heddle.core.session.BackendSession;

/**
 * Who says whether a request can run: rule 2.04.
 *
 * @since 0.1
 */
@Evolving
@FunctionalInterface
public interface Asking {
    /** Answers with every reason. */
    Support support(BackendSession session, AttentionSpec spec, BatchShape batch, PlanOptions options);
}
