/**
 * The conformance kit: proves a backend's declaration, from the command line, from JUnit or from any program.
 *
 * @since 0.1
 */
module dev.heddle.conformance {
    requires transitive dev.heddle.core;
    requires transitive dev.heddle.planner;
    requires com.google.gson;
    requires java.management;
    requires java.xml;
    requires jdk.management;
    requires static transitive org.junit.jupiter.api;
    requires static org.jspecify;

    exports dev.heddle.conformance;
    exports dev.heddle.conformance.declared;
    exports dev.heddle.conformance.house;
    exports dev.heddle.conformance.input;
    exports dev.heddle.conformance.isolation;
    exports dev.heddle.conformance.junit;
    exports dev.heddle.conformance.oracle;
    exports dev.heddle.conformance.reference;
    exports dev.heddle.conformance.report;
    exports dev.heddle.conformance.saboteur;
    exports dev.heddle.conformance.shrink;

    uses dev.heddle.conformance.RuleBook;
    uses dev.heddle.core.spi.AttentionBackendProvider;

    provides dev.heddle.conformance.RuleBook with
            dev.heddle.conformance.rules.AllRules;
}
