package dev.heddle.planner;

import dev.heddle.core.Evolving;
import dev.heddle.core.capability.Rejection;

/**
 * What a listener is told.
 *
 * @since 0.1
 */
@Evolving
public sealed interface PlannerEvent {
    /**
     * A backend failed and was set aside.
     *
     * @param backend its id
     * @param rejection the reason as later plans will give it, with the failure as its cause
     */
    record Quarantined(String backend, Rejection rejection) implements PlannerEvent {}

    /**
     * A batch whose backend failed was run again on another.
     *
     * @param from the backend that failed
     * @param to the backend that ran it
     */
    record Recovered(String from, String to) implements PlannerEvent {}
}
