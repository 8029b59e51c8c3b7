package dev.heddle.conformance.rules.chapter4;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.conformance.ConformanceReport;
import dev.heddle.conformance.ConformanceRun;
import dev.heddle.conformance.KitOptions;
import dev.heddle.conformance.Subject;
import dev.heddle.conformance.reference.PlainBackend;
import dev.heddle.core.page.InvalidPageTableException;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The saboteurs of rule 4.06: tables checked too little, and refusals that do not say where. */
class BadTablesTest {
    @Test
    void catchesIdsThatAreClampedInsteadOfRefused() {
        ConformanceReport report = run(new BadTables(
                (pageSize, pool, indptr, indices, last, qoIndptr) -> TableMaker.core(pageSize, pool, indptr,
                        Arrays.stream(indices).map(id -> Math.clamp(id, 0, pool - 1)).toArray(), last,
                        qoIndptr)));
        assertEquals(3, report.failures().size());
        assertTrue(report.failures().stream().allMatch(f -> f.message().contains("was taken")));
    }

    @Test
    void catchesRefusalsThatDoNotSayWhere() {
        ConformanceReport report = run(new BadTables((pageSize, pool, indptr, indices, last, qoIndptr) -> {
            try {
                return TableMaker.core(pageSize, pool, indptr, indices, last, qoIndptr);
            } catch (InvalidPageTableException e) {
                throw new InvalidPageTableException(-1, "page table", -1, "valid", 0);
            }
        }));
        assertFalse(report.failures().isEmpty());
        assertTrue(report.failures().stream()
                .allMatch(f -> f.message().contains("the refusal must name request")));
    }

    @Test
    void passesCoreApi() {
        assertEquals(List.of(), run(new BadTables()).failures());
    }

    private static ConformanceReport run(BadTables rule) {
        return ConformanceRun.run(Subject.of(new PlainBackend()), KitOptions.DEFAULT, List.of(rule),
                result -> {});
    }
}
