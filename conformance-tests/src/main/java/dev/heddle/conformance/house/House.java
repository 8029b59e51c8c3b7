package dev.heddle.conformance.house;

import dev.heddle.core.Evolving;

/**
 * The parts around a backend that rules examine.
 *
 * @param asking says what can run, and why not
 * @param tables checks page tables
 * @param discovery lists backends
 * @param planners choose among them
 * @since 0.1
 */
@Evolving
public record House(Asking asking, TableMaker tables, Discovery discovery, Planners planners) {
    /** Heddle's own parts. */
    public static final House HEDDLE = new House(
            (session, spec, batch, options) -> session.support(spec, batch, options),
            TableMaker::core, Discovery::ofHeddle, Planners.HEDDLE);

    /** Returns these parts with another that asks. */
    public House withAsking(Asking other) {
        return new House(other, tables, discovery, planners);
    }

    /** Returns these parts with another maker of tables. */
    public House withTables(TableMaker other) {
        return new House(asking, other, discovery, planners);
    }

    /** Returns these parts with another discovery. */
    public House withDiscovery(Discovery other) {
        return new House(asking, tables, other, planners);
    }

    /** Returns these parts with other planners. */
    public House withPlanners(Planners other) {
        return new House(asking, tables, discovery, other);
    }
}
