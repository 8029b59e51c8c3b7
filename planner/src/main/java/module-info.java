/**
 * Finds backends, holds requests against their declarations, chooses, explains. {@link dev.heddle.planner.Heddle} is
 * the way in.
 *
 * @since 0.1
 */
module dev.heddle.planner {
    requires static transitive org.jspecify;
    requires transitive dev.heddle.core;
    requires transitive com.google.gson;
    requires jdk.jfr;

    exports dev.heddle.planner;

    uses dev.heddle.core.spi.AttentionBackendProvider;
}
