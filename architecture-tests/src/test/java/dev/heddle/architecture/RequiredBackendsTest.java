package dev.heddle.architecture;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.heddle.planner.BackendReport;
import dev.heddle.planner.Heddle;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** With {@code -Dheddle.require=cpu,opencl} a build fails where one of these cannot run; else it says which cannot. */
class RequiredBackendsTest {
    @Test
    void whatTheBuildRequiresIsThere() {
        List<String> required = Arrays.stream(System.getProperty("heddle.require", "cpu").split(","))
                .filter(id -> !id.isBlank()).toList();
        List<String> missing = new ArrayList<>(required);
        List<String> words = new ArrayList<>();
        try (Heddle heddle = Heddle.open()) {
            for (BackendReport report : heddle.backends()) {
                if (report.status() == BackendReport.Status.AVAILABLE) {
                    missing.remove(report.id());
                } else {
                    words.add(report.id() + ": " + report.rejections());
                    System.out.println("heddle: " + report.id() + " cannot run here: "
                            + report.rejections().getFirst().message());
                }
            }
        }
        assertEquals(List.of(), missing, () -> "heddle.require asks for " + required + "; " + words);
    }
}
