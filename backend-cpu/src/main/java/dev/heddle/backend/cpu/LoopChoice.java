package dev.heddle.backend.cpu;

import dev.heddle.backend.cpu.kernel.InnerLoops;
import dev.heddle.backend.cpu.scalar.ScalarLoops;
import dev.heddle.backend.cpu.vector.VectorLoops;

/** Chooses the inner loops once: vectors if this JVM resolved their module, plain loops and a word about it if not. */
final class LoopChoice {
    private static final String MODULE = "jdk.incubator.vector";

    private LoopChoice() {}

    static InnerLoops loops() {
        return Holder.LOOPS;
    }

    private static final class Holder {
        static final InnerLoops LOOPS = choose();

        private static InnerLoops choose() {
            if (ModuleLayer.boot().findModule(MODULE).isPresent()) {
                return new VectorLoops();
            }
            System.getLogger("dev.heddle.backend.cpu").log(System.Logger.Level.WARNING,
                    "the CPU backend runs without vector instructions, several times slower;"
                            + " start the JVM with --add-modules " + MODULE);
            return new ScalarLoops();
        }
    }
}
