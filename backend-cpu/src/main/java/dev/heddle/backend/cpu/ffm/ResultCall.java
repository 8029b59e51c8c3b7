package dev.heddle.backend.cpu.ffm;

import dev.heddle.core.attention.AttentionSpec;
import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/**
 * Arguments of what comes after the kernel for single query rows: {@code heddle_result} in {@code heddle_cpu.h}, which
 * names each field. Used by one thread at a time; its memory is freed with it.
 */
public final class ResultCall {
    private static final StructLayout LAYOUT = MemoryLayout.structLayout(
            ValueLayout.JAVA_LONG.withName("state"), ValueLayout.JAVA_LONG.withName("apart"),
            ValueLayout.JAVA_LONG.withName("out_at"), ValueLayout.JAVA_LONG.withName("out_head"),
            ValueLayout.JAVA_LONG.withName("scale"), ValueLayout.JAVA_LONG.withName("sinks"),
            ValueLayout.JAVA_LONG.withName("lse"), ValueLayout.JAVA_INT.withName("states"),
            ValueLayout.JAVA_INT.withName("heads"), ValueLayout.JAVA_INT.withName("group"),
            ValueLayout.JAVA_INT.withName("dim_vo"), ValueLayout.JAVA_INT.withName("out_type"),
            MemoryLayout.paddingLayout(4));
    private static final long STATE = offset("state");
    private static final long APART = offset("apart");
    private static final long OUT_AT = offset("out_at");
    private static final long OUT_HEAD = offset("out_head");
    private static final long STATES = offset("states");
    private static final long HEADS = offset("heads");

    private final NativeKernels kernels = NativeKernels.get();
    private MemorySegment call = MemorySegment.NULL;
    private MemorySegment scale = call;
    private MemorySegment sinks = call;
    private MemorySegment lse = call;
    private MemorySegment rows = call; // on their way to the heap
    private @Nullable AttentionSpec prepared;
    private int preparedHeads;

    /** Makes arguments without memory: see {@link #prepare}. */
    public ResultCall() {}

    /** Makes room for the rows of so many KV heads. */
    public void prepare(AttentionSpec spec, int heads) {
        if (spec == prepared && heads == preparedHeads) {
            return;
        }
        prepared = null;
        long rowCount = (long) heads * spec.groupSize();
        Arena arena = Arena.ofAuto();
        call = arena.allocate(LAYOUT);
        scale = arena.allocate(ValueLayout.JAVA_FLOAT, heads);
        sinks = arena.allocate(ValueLayout.JAVA_FLOAT, rowCount);
        lse = arena.allocate(ValueLayout.JAVA_FLOAT, rowCount);
        rows = arena.allocate(ValueLayout.JAVA_FLOAT, rowCount * spec.headDimVo());
        call.set(ValueLayout.JAVA_LONG, offset("scale"), scale.address());
        call.set(ValueLayout.JAVA_LONG, offset("sinks"), spec.sinks() ? sinks.address() : 0);
        call.set(ValueLayout.JAVA_LONG, offset("lse"), spec.lse() ? lse.address() : 0);
        call.set(ValueLayout.JAVA_INT, offset("group"), spec.groupSize());
        call.set(ValueLayout.JAVA_INT, offset("dim_vo"), spec.headDimVo());
        call.set(ValueLayout.JAVA_INT, offset("out_type"), spec.outDtype().ordinal());
        prepared = spec;
        preparedHeads = heads;
    }

    private static long offset(String field) {
        return LAYOUT.byteOffset(MemoryLayout.PathElement.groupElement(field));
    }

    /** Sets what a KV head's values are multiplied by. */
    public void scale(int head, float factor) {
        scale.setAtIndex(ValueLayout.JAVA_FLOAT, head, factor);
    }

    /** Sets the sink of a row. */
    public void sink(int row, float logit) {
        sinks.setAtIndex(ValueLayout.JAVA_FLOAT, row, logit);
    }

    /** Returns the LSE of a row, after {@link #finish}. */
    public float lse(int row) {
        return lse.getAtIndex(ValueLayout.JAVA_FLOAT, row);
    }

    /**
     * Tells what the kernel left.
     *
     * @param state the address of the first state, which the caller keeps alive
     * @param apart floats from a state to the next
     */
    public void states(long state, long apart, int states, int heads) {
        call.set(ValueLayout.JAVA_LONG, STATE, state);
        call.set(ValueLayout.JAVA_LONG, APART, apart);
        call.set(ValueLayout.JAVA_INT, STATES, states);
        call.set(ValueLayout.JAVA_INT, HEADS, heads);
    }

    /** Folds all states into the first. */
    public void fold() {
        kernels.fold(call);
    }

    /**
     * Folds all states into the first, normalises it and writes its rows.
     *
     * @param at bytes to the first row
     * @param apart bytes from a row to the next
     */
    public void finish(MemorySegment out, long at, long apart, int count, long rowBytes) {
        call.set(ValueLayout.JAVA_LONG, OUT_AT, out.isNative() ? at : 0);
        call.set(ValueLayout.JAVA_LONG, OUT_HEAD, out.isNative() ? apart : rowBytes);
        kernels.finish(out.isNative() ? out : rows, call);
        if (!out.isNative()) {
            for (int r = 0; r < count; r++) {
                MemorySegment.copy(rows, r * rowBytes, out, at + r * apart, rowBytes);
            }
        }
    }
}
