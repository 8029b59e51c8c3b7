package dev.heddle.conformance.house;

import dev.heddle.core.Evolving;
import dev.heddle.core.spi.AttentionBackendProvider;
import dev.heddle.planner.BackendReport;
import dev.heddle.planner.Heddle;
import java.util.List;

/**
 * Who lists backends: rule 1.03.
 *
 * @since 0.1
 */
@Evolving
@FunctionalInterface
public interface Discovery {
    /** Returns what became of each provider. */
    List<BackendReport> backends(List<AttentionBackendProvider> providers);

    /** Heddle's own. */
    static List<BackendReport> ofHeddle(List<AttentionBackendProvider> providers) {
        try (Heddle heddle = Heddle.builder().providers(providers).open()) {
            return heddle.backends();
        }
    }
}
