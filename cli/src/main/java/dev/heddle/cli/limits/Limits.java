package dev.heddle.cli.limits;

/**
 * What this machine can do at most.
 *
 * @param readGbytesPerSecond 10⁹ bytes per second, read once from memory
 * @param fmaGflops 10⁹ operations per second on f32 in cache, two for each multiply-add
 */
public record Limits(double readGbytesPerSecond, double fmaGflops) {
    /** Returns the larger of each: what the machine was able to do at either time. */
    public Limits or(Limits other) {
        return new Limits(Math.max(readGbytesPerSecond, other.readGbytesPerSecond),
                Math.max(fmaGflops, other.fmaGflops));
    }

    /** Returns the least time for so much work in microseconds. */
    public double micros(double kvBytes, double flops) {
        return Math.max(kvBytes / readGbytesPerSecond, flops / fmaGflops) / 1e3;
    }
}
