package dev.heddle.core.capability;

import dev.heddle.core.Stable;

/**
 * When a rejection is found.
 *
 * @since 0.1
 */
@Stable
public enum Phase {
    /** While loading a provider or looking for its device. */
    DISCOVERY,
    /** When its declaration is held against spec and batch. */
    CAPABILITY,
    /** By the backend's own last check. */
    REFINE,
    /** By the planner: not pinned, quarantined, in another memory space. */
    SELECTION,
    /** While making a plan. */
    PLAN,
    /** While running one. */
    RUN
}
