package dev.heddle.core.spi;

import dev.heddle.core.Evolving;
import dev.heddle.core.tensor.DataType;
import java.util.Map;

/**
 * The constants of the planner's cost model for one opened backend. Every term means something that can be measured.
 *
 * @param readGbytesPerSecond how fast K and V are read, 10⁹ bytes per second
 * @param gflops arithmetic rate by element type of K, 10⁹ operations per second
 * @param otherGflops arithmetic rate of the types not listed
 * @param parallelUnits work units that run at once: cores, multiprocessors
 * @param minTokensPerUnit KV tokens below which a sequence is not worth splitting
 * @param launchMicros time of a run that does nothing
 * @param planMicros time of a plan for an empty batch
 * @param planMicrosPerRequest time that each request adds to a plan
 * @param mergeMicros time that merging split sequences adds to a run
 * @param coldMicros time of the first plan of a new kind: compiling, loading
 * @since 0.1
 */
@Evolving
public record CostProfile(
        double readGbytesPerSecond,
        Map<DataType, Double> gflops,
        double otherGflops,
        int parallelUnits,
        int minTokensPerUnit,
        double launchMicros,
        double planMicros,
        double planMicrosPerRequest,
        double mergeMicros,
        double coldMicros) {
    /** What is assumed of a backend that says nothing: slower than any other, so that it is chosen last. */
    public static final CostProfile UNKNOWN = new CostProfile(1, Map.of(), 1, 1, 1, 10, 10, 1, 0, 0);

    /**
     * Copies the map.
     *
     * @throws IllegalArgumentException if a rate is not positive
     */
    public CostProfile {
        gflops = Map.copyOf(gflops);
        if (!(readGbytesPerSecond > 0) || !(otherGflops > 0) || parallelUnits < 1 || minTokensPerUnit < 1) {
            throw new IllegalArgumentException("rates and units of a cost profile must be positive, got read "
                    + readGbytesPerSecond + ", gflops " + otherGflops + ", units " + parallelUnits
                    + ", tokens "
                    + minTokensPerUnit);
        }
    }

    /** Returns the arithmetic rate for an element type of K, 10⁹ operations per second. */
    public double gflops(DataType kDtype) {
        return gflops.getOrDefault(kDtype, otherGflops);
    }
}
