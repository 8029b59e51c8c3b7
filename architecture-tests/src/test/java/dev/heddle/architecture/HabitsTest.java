package dev.heddle.architecture;

import static com.tngtech.archunit.core.domain.JavaModifier.FINAL;
import static com.tngtech.archunit.core.domain.JavaModifier.PUBLIC;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.fields;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.GeneralCodingRules.ACCESS_STANDARD_STREAMS;
import static com.tngtech.archunit.library.GeneralCodingRules.THROW_GENERIC_EXCEPTIONS;

import com.tngtech.archunit.core.domain.JavaClasses;
import dev.heddle.core.Evolving;
import dev.heddle.core.Stable;
import dev.heddle.core.spi.AttentionBackendProvider;
import org.junit.jupiter.api.Test;

/** Habits that reviews would otherwise have to enforce. */
class HabitsTest {
    private final JavaClasses house = House.classes();

    @Test
    void publicTypesOfTheLibrariesSayHowStableTheyAre() {
        classes().that()
                .resideInAnyPackage(House.CORE, House.PLANNER, House.CUDA, House.CUDA_CORE, House.TENSOR_CORE,
                        House.OPENCL, "dev.heddle.backend.cpu")
                .and().arePublic().and().areTopLevelClasses()
                .and().areNotAnnotations()
                .should().beAnnotatedWith(Stable.class).orShould().beAnnotatedWith(Evolving.class)
                .check(house);
    }

    @Test
    void backendsShowTheirProviderOnlyAndItIsFinal() {
        classes().that()
                .resideInAnyPackage("dev.heddle.backend.cpu", House.CUDA_CORE, House.TENSOR_CORE,
                        "dev.heddle.backend.opencl")
                .and()
                .areTopLevelClasses()
                .and().areNotAssignableTo(AttentionBackendProvider.class)
                .should().notBePublic()
                .check(house);
        classes().that().resideInAPackage(House.BACKENDS).and().implement(AttentionBackendProvider.class)
                .should().haveModifier(FINAL).andShould().haveModifier(PUBLIC)
                .andShould().haveSimpleNameEndingWith("Provider")
                .check(house);
    }

    @Test
    void noBackendIsNamedInCoreApiOrPlanner() {
        noClasses().that().resideInAnyPackage(House.CORE, House.PLANNER)
                .should().haveNameMatching(".*(?i)(cuda|opencl|avx|neon|cpu).*")
                .check(house);
    }

    @Test
    void onlyTheCommandPrints() {
        noClasses().that()
                .resideInAnyPackage(House.CORE, House.PLANNER, House.BACKENDS, House.CUDA, House.KIT)
                .should(ACCESS_STANDARD_STREAMS)
                .check(house);
    }

    @Test
    void noGenericExceptionsAreThrown() {
        noClasses().should(THROW_GENERIC_EXCEPTIONS).check(house);
    }

    @Test
    void staticsNeverChange() {
        fields().that().areDeclaredInClassesThat()
                .resideInAnyPackage(House.CORE, House.PLANNER, House.BACKENDS, House.CUDA)
                .and().areStatic()
                .should().beFinal()
                .check(house);
    }

    /** Beside the kernels stand the loops that measure what kernels could reach. */
    @Test
    void theVectorApiStaysInTwoPackages() {
        noClasses().that().resideOutsideOfPackages("dev.heddle.backend.cpu.vector", "dev.heddle.cli.limits")
                .should().dependOnClassesThat().resideInAPackage("jdk.incubator.vector..")
                .check(house);
    }
}
