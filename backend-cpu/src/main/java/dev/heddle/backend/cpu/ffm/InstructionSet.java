package dev.heddle.backend.cpu.ffm;

import java.util.Locale;

/** What the kernels in C are compiled for, in the library's order. */
public enum InstructionSet {
    /** None of the others. */
    NONE,
    /** AVX2, FMA and F16C. */
    AVX2,
    /** AVX-512 F, BW, VL and DQ. */
    AVX512,
    /** AVX-512 with BF16 and VBMI too. */
    AVX512_BF16,
    /** That and AMX tiles of bf16, which the operating system must grant. */
    AMX;

    /** Returns how users write it. */
    public String id() {
        return name().toLowerCase(Locale.ROOT);
    }
}
