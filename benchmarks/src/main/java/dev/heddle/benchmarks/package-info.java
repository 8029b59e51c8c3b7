/**
 * JMH benchmarks of what a serving loop does at every step: take pages, plan, run. Other shapes and other
 * backends are timed by {@code heddle bench}, beside the machine's limits.
 *
 * <pre>{@code
 * mvn -Pquick -pl benchmarks -am package
 * java -cp 'benchmarks/target/lib/*' org.openjdk.jmh.Main PlanBenchmark -p batchSize=64 -prof gc
 * }</pre>
 *
 * <p>Without a name all run. The JVM flags that Heddle needs are part of each benchmark.
 */
@NullMarked
package dev.heddle.benchmarks;

import org.jspecify.annotations.NullMarked;
