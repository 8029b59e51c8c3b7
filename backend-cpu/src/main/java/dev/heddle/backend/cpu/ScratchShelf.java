package dev.heddle.backend.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/** Scratch and partial results of closed plans, kept for the next ones: a plan per step must not cost megabytes. */
final class ScratchShelf {
    private static final int KEPT = 64;

    private final boolean calls;
    private final List<Scratch> scratches = new ArrayList<>();
    private final List<float[]> arrays = new ArrayList<>();
    private final List<MemorySegment> segments = new ArrayList<>();

    ScratchShelf(boolean calls) {
        this.calls = calls;
    }

    synchronized Scratch scratch(int rows, int heads, int dimQk, int dimVo) {
        for (int i = scratches.size() - 1; i >= 0; i--) {
            if (scratches.get(i).holds(rows, heads, dimQk, dimVo)) {
                return scratches.remove(i);
            }
        }
        return new Scratch(rows, heads, dimQk, dimVo, calls);
    }

    synchronized float[] floats(int length) {
        for (int i = arrays.size() - 1; i >= 0; i--) {
            if (arrays.get(i).length >= length) {
                return arrays.remove(i);
            }
        }
        return new float[length];
    }

    synchronized MemorySegment segment(long bytes) {
        for (int i = segments.size() - 1; i >= 0; i--) {
            if (segments.get(i).byteSize() >= bytes) {
                return segments.remove(i);
            }
        }
        return Arena.ofAuto().allocate(bytes, 64);
    }

    synchronized void giveBack(Scratch scratch) {
        if (scratches.size() < KEPT) {
            scratches.add(scratch);
        }
    }

    synchronized void giveBack(float[] array) {
        if (arrays.size() < KEPT / 8) {
            arrays.add(array);
        }
    }

    synchronized void giveBack(MemorySegment segment) {
        if (segments.size() < KEPT / 8) {
            segments.add(segment);
        }
    }
}
