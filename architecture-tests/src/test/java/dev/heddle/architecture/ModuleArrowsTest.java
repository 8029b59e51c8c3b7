package dev.heddle.architecture;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClasses;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * The arrows of docs/architecture.md: cli → planner → core-api ← backends, kit → core-api and planner, and
 * CUDA backends → cuda-support → core-api.
 */
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
                .should().dependOnClassesThat().resideInAnyPackage(House.BACKENDS, House.CUDA, House.KIT,
                        House.CLI)
                .check(house);
    }

    @Test
    void cpuBackendImportsCoreApiOnly() {
        classes().that().resideInAPackage("dev.heddle.backend.cpu..")
                .should().onlyDependOnClassesThat()
                .resideInAnyPackage("dev.heddle.backend.cpu..", House.CORE, "java..",
                        "jdk.incubator.vector..",
                        "org.jspecify..")
                .check(house);
    }

    @Test
    void cudaBackendsImportCoreApiAndCudaSupportOnly() {
        for (String backend : List.of(House.CUDA_CORE, House.TENSOR_CORE)) {
            classes().that().resideInAPackage(backend)
                    .should().onlyDependOnClassesThat()
                    .resideInAnyPackage(backend, House.CUDA, House.CORE, "java..", "org.jspecify..")
                    .check(house);
        }
    }

    @Test
    void openClBackendImportsCoreApiAndItsBindingOnly() {
        classes().that().resideInAPackage(House.OPENCL)
                .should().onlyDependOnClassesThat()
                .resideInAnyPackage(House.OPENCL, House.CORE, "java..", "jdk.jfr..", "org.lwjgl..",
                        "org.jspecify..")
                .check(house);
        noClasses().that().resideInAPackage("dev.heddle.backend.opencl")
                .should().dependOnClassesThat().resideInAPackage("org.lwjgl..")
                .check(house);
    }

    @Test
    void cudaSupportImportsCoreApiAndItsBindingsOnly() {
        classes().that().resideInAPackage(House.CUDA)
                .should().onlyDependOnClassesThat()
                .resideInAnyPackage(House.CUDA, House.CORE, "java..", "jdk.jfr..", "jcuda..", "org.lwjgl..",
                        "org.jspecify..")
                .check(house);
    }

    @Test
    void onlyCudaBackendsImportCudaSupport() {
        noClasses().that().resideOutsideOfPackages(House.CUDA, House.CUDA_CORE, House.TENSOR_CORE)
                .should().dependOnClassesThat().resideInAPackage(House.CUDA)
                .check(house);
    }

    @Test
    void bindingsToDriversStayWhereTheyAreWrapped() {
        noClasses().that().resideOutsideOfPackage(House.CUDA)
                .should().dependOnClassesThat().resideInAPackage("jcuda..")
                .check(house);
        noClasses().that().resideOutsideOfPackages(House.CUDA, House.OPENCL)
                .should().dependOnClassesThat().resideInAPackage("org.lwjgl..")
                .check(house);
    }

    @Test
    void kitImportsNoBackendAndNoCommand() {
        noClasses().that().resideInAPackage(House.KIT)
                .should().dependOnClassesThat().resideInAnyPackage(House.BACKENDS, House.CUDA, House.CLI)
                .check(house);
    }

    @Test
    void onlyTheCommandImportsTheKit() {
        noClasses().that().resideInAnyPackage(House.CORE, House.PLANNER, House.BACKENDS, House.CUDA)
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
