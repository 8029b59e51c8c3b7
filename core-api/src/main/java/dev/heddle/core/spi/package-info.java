/**
 * How a backend is added to Heddle: implement {@link dev.heddle.core.spi.AttentionBackendProvider}, name it in
 * {@code META-INF/services} or in a module's {@code provides}, and put the jar beside the others.
 *
 * <p><b>Declare, check nothing, compute.</b> The whole contract in three types:
 *
 * <ol>
 *   <li>{@link dev.heddle.core.spi.AttentionBackendProvider} describes: an id, {@link
 *       dev.heddle.core.capability.Capabilities}, and whether the device is there ({@code probe}). Describing
 *       touches no device.
 *   <li>{@link dev.heddle.core.spi.AttentionBackend} is an opened provider: it names the memory space that it reads
 *       and makes plans.
 *   <li>{@link dev.heddle.core.spi.BackendPlan} runs: once per layer, without allocation, lookup or validation.
 * </ol>
 *
 * <p>Nobody calls these directly. {@link dev.heddle.core.session.BackendSession} stands in between: it holds each
 * request against the declaration before the backend sees it, checks tensors against spec and batch before each
 * run, turns use after close into {@link java.lang.IllegalStateException} and makes a second close harmless. A
 * backend therefore never sees a group size, dtype or page table that it did not declare.
 *
 * <p>A complete provider:
 *
 * <pre>{@code
 * public final class AbacusBackend implements AttentionBackendProvider {
 *     public String id() { return "abacus"; }
 *     public Capabilities capabilities() {
 *         return Capabilities.builder().groupSizes(IntSet.of(1, 2, 3, 4, 8)).headDims(128)
 *                 .dtypes(DataType.F32).qoLen(IntRange.of(1)).features(Feature.LSE).build();
 *     }
 *     public AttentionBackend open(BackendContext context) { return new Abacus(context); }
 * }
 * }</pre>
 *
 * <p>docs/writing-a-backend.md walks through the rest, from the first file to the conformance kit.
 */
@NullMarked
package dev.heddle.core.spi;

import org.jspecify.annotations.NullMarked;
