package dev.heddle.cli.limits;

/**
 * What this machine can do at most.
 *
 * @param readGbytesPerSecond 10⁹ bytes per second, read once from memory
 * @param fmaGflops 10⁹ operations per second on f32 in cache, two for each multiply-add
 */
public record Limits(double readGbytesPerSecond, double fmaGflops) {
    /** Returns the mean of each: what the machine was able to do between two times. */
    public Limits between(Limits other) {
        return new Limits((readGbytesPerSecond + other.readGbytesPerSecond) / 2,
                (fmaGflops + other.fmaGflops) / 2);
    }

    /** Returns the least time for so much work in microseconds. */
    public double micros(double kvBytes, double flops) {
        return Math.max(kvBytes / readGbytesPerSecond, flops / fmaGflops) / 1e3;
    }
}
