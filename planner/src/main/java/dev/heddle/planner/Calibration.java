package dev.heddle.planner;

import dev.heddle.core.Evolving;
import dev.heddle.core.spi.CostProfile;

/**
 * What a calibration measured.
 *
 * @param backend the backend's id
 * @param shipped the constants that it came with
 * @param profile the constants measured
 * @since 0.1
 */
@Evolving
public record Calibration(String backend, CostProfile shipped, CostProfile profile) {}
