package dev.heddle.architecture;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.Map;

/** The classes of all modules, and a guard against an empty scan that would pass every rule. */
final class House {
    static final String CORE = "dev.heddle.core..";
    static final String PLANNER = "dev.heddle.planner..";
    static final String BACKENDS = "dev.heddle.backend..";
    static final String CUDA_CORE = "dev.heddle.backend.cuda..";
    static final String TENSOR_CORE = "dev.heddle.backend.tensor..";
    static final String OPENCL = "dev.heddle.backend.opencl..";
    static final String CUDA = "dev.heddle.cuda..";
    static final String KIT = "dev.heddle.conformance..";
    static final String CLI = "dev.heddle.cli..";

    private House() {}

    /** Read once: it takes seconds, and JUnit makes an instance of a test class for each test. */
    private static final class Read {
        static final JavaClasses ALL = read();
    }

    static JavaClasses classes() {
        return Read.ALL;
    }

    private static JavaClasses read() {
        JavaClasses all = new ClassFileImporter()
                .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
                .withImportOption(location -> !location.contains("/architecture-tests/"))
                .importPackages("dev.heddle");
        Map<String, Integer> least = Map.of("dev.heddle.core", 70, "dev.heddle.planner", 15,
                "dev.heddle.backend.cpu", 8, "dev.heddle.cuda", 20, "dev.heddle.backend.cuda.core", 5,
                "dev.heddle.backend.tensor.core", 3, "dev.heddle.backend.opencl", 20,
                "dev.heddle.conformance", 60, "dev.heddle.cli", 15);
        least.forEach((root, count) -> {
            long found = all.stream().filter(c -> c.getPackageName().startsWith(root)).count();
            assertTrue(found >= count,
                    () -> "only " + found + " classes found below " + root + ": the scan is broken");
        });
        return all;
    }
}
