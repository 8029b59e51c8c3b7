package dev.heddle.architecture;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClasses;
import org.junit.jupiter.api.Test;

/** The arrows of docs/architecture.md: cli → planner → core-api ← backends, kit → core-api and planner. */
class ModuleArrowsTest {
    private final JavaClasses house = House.classes();

    @Test
    void coreApiImportsTheJdkOnly() {
        classes().that().resideInAPackage(House.CORE)
                .should().onlyDependOnClassesThat().resideInAnyPackage(House.CORE, "java..", "org.jspecify..")
                .check(house);
    }

    @Test
    void plannerImportsNoBackendNoKitAndNoCommand() {
        noClasses().that().resideInAPackage(House.PLANNER)
                .should().dependOnClassesThat().resideInAnyPackage(House.BACKENDS, House.KIT, House.CLI)
                .check(house);
    }

    @Test
    void backendsImportCoreApiOnly() {
        classes().that().resideInAPackage("dev.heddle.backend.cpu..")
                .should().onlyDependOnClassesThat()
                .resideInAnyPackage("dev.heddle.backend.cpu..", House.CORE, "java..",
                        "jdk.incubator.vector..",
                        "org.jspecify..")
                .check(house);
    }

    @Test
    void kitImportsNoBackendAndNoCommand() {
        noClasses().that().resideInAPackage(House.KIT)
                .should().dependOnClassesThat().resideInAnyPackage(House.BACKENDS, House.CLI)
                .check(house);
    }

    @Test
    void onlyTheCommandImportsTheKit() {
        noClasses().that().resideInAnyPackage(House.CORE, House.PLANNER, House.BACKENDS)
                .should().dependOnClassesThat().resideInAPackage(House.KIT)
                .check(house);
    }

    @Test
    void commandKnowsNoBackend() {
        noClasses().that().resideInAPackage(House.CLI)
                .should().dependOnClassesThat().resideInAPackage(House.BACKENDS)
                .check(house);
    }

    @Test
    void packagesOfAModuleHaveNoCycles() {
        slices().matching("dev.heddle.core.(*)..").should().beFreeOfCycles().check(house);
        slices().matching("dev.heddle.backend.cpu.(*)..").should().beFreeOfCycles().check(house);
        slices().matching("dev.heddle.(*)..").should().beFreeOfCycles().check(house);
    }
}
