package dev.heddle.core.capability;

import dev.heddle.core.Stable;

/**
 * The dimensions of a declaration. {@link #id()} is the name in messages, JSON and docs/capabilities.md.
 *
 * @since 0.1
 */
@Stable
public enum Dimension {
    /** The SPI's integer version that a provider was built for. */
    SPI_VERSION("spi.version"),
    /** The backend's id; unique, matches {@code [a-z][a-z0-9-]*}. */
    BACKEND_ID("backend.id"),
    /** The backend's own version. */
    BACKEND_VERSION("backend.version"),
    /** The device: driver, name, architecture, memory. */
    DEVICE("device"),
    /** {@code num_qo_heads / num_kv_heads}. */
    GROUP_SIZE("group.size"),
    /** {@code num_kv_heads}. */
    KV_HEADS("kv.heads"),
    /** The pair {@code head_dim_qk}/{@code head_dim_vo}. */
    HEAD_DIM("head.dim"),
    /** Tokens of a page. */
    PAGE_SIZE("page.size"),
    /** Whether a page may be split over work units. */
    PAGE_SPLIT("page.split"),
    /** Query rows of each request; {1} is decode only. */
    QO_LEN("qo.len"),
    /** KV tokens of each request. */
    KV_LEN("kv.len"),
    /** Number of requests. */
    BATCH_SIZE("batch.size"),
    /** Physical page ids. */
    PAGE_ID("page.id"),
    /** Bytes of one layer's K, or V: whether offsets beyond 2³¹ are addressed. */
    KV_BYTES("kv.bytes"),
    /** Element types of q/k/v/out together. */
    DTYPE("dtype"),
    /** Scales on K and V. */
    KV_QUANTISATION("kv.quantisation"),
    /** NHD or HND. */
    KV_LAYOUT("kv.layout"),
    /** Whether q, out and the cache may have gaps, and the cache several segments. */
    STRIDES("strides"),
    /** Bytes that bases and row strides must be a multiple of. */
    ALIGNMENT("alignment"),
    /** The kind of memory that is read. */
    MEMORY_SPACE("memory.space"),
    /** CSR or block table. */
    PAGE_TABLE_FORM("page.table.form"),
    /** None, causal, window, custom. */
    MASK("mask"),
    /** Soft cap, sinks, ALiBi, LSE, partial results, forced splits. */
    FEATURE("feature"),
    /** What stays equal bit for bit. */
    DETERMINISM("determinism"),
    /** How results may differ from exact arithmetic. */
    ACCURACY("accuracy"),
    /** Runs at once. */
    CONCURRENCY("concurrency"),
    /** Whether run returns before the work is done. */
    ASYNC("execution.async"),
    /** Whether runs can be captured and replayed. */
    CAPTURE("execution.capture"),
    /** Bytes of workspace. */
    WORKSPACE("workspace"),
    /** What the first plan of a new kind costs. */
    COLD_START("cold.start");

    private final String id;

    Dimension(String id) {
        this.id = id;
    }

    /** Returns the dotted name: {@code group.size}. */
    public String id() {
        return id;
    }
}
