package dev.heddle.core.spi;

import dev.heddle.core.Stable;

/**
 * How a plan cut its work.
 *
 * @param workUnits pieces that may run at once
 * @param maxKvSplits the most parts that one KV sequence was cut into, 1 or more
 * @param workspaceBytes workspace that the plan holds
 * @since 0.1
 */
@Stable
public record Schedule(int workUnits, int maxKvSplits, long workspaceBytes) {}
