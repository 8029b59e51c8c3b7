package dev.heddle.planner;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Enabled;
import jdk.jfr.Event;
import jdk.jfr.EventType;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** The planner's flight recorder events. */
final class JfrEvents {
    private JfrEvents() {}

    @Name("dev.heddle.Plan")
    @Label("Attention plan")
    @Category("Heddle")
    @StackTrace(false)
    static final class PlanEvent extends Event {
        @Label("Backend")
        String backend = "";

        @Label("Batch size")
        int batchSize;

        @Label("Decision from cache")
        boolean cached;
    }

    @Name("dev.heddle.Run")
    @Label("Attention run")
    @Description("One layer; on devices the time to enqueue it")
    @Category("Heddle")
    @StackTrace(false)
    @Enabled(false)
    static final class RunEvent extends Event {
        /** Asked before an event is made: a run must not allocate for a recording that nobody makes. */
        static final EventType TYPE = EventType.getEventType(RunEvent.class);

        @Label("Backend")
        String backend = "";
    }

    @Name("dev.heddle.Rejection")
    @Label("Request rejected")
    @Category("Heddle")
    static final class RejectionEvent extends Event {
        @Label("Message")
        String message = "";
    }

    @Name("dev.heddle.Quarantine")
    @Label("Backend quarantined")
    @Category("Heddle")
    static final class QuarantineEvent extends Event {
        @Label("Backend")
        String backend = "";

        @Label("Cause")
        String cause = "";
    }
}
