package dev.heddle.conformance.declared;

import dev.heddle.core.Evolving;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.PlanOptions;
import dev.heddle.core.capability.Dimension;

/**
 * A request that lies just outside a declaration in one dimension.
 *
 * @param name names it in a case
 * @param dimension the dimension that it leaves
 * @param requested how a rejection must give the value
 * @param spec what is asked for
 * @param batch the lengths
 * @param options the wishes
 * @since 0.1
 */
@Evolving
public record Neighbour(
        String name, Dimension dimension, String requested, AttentionSpec spec, BatchShape batch,
        PlanOptions options) {}
