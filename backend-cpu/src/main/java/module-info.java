/**
 * Paged attention on the CPU: the Vector API where its module is resolved, plain loops where it is not, and decode in C
 * where that could be built.
 *
 * @since 0.1
 */
module dev.heddle.backend.cpu {
    requires transitive dev.heddle.core;
    requires static jdk.incubator.vector;

    exports dev.heddle.backend.cpu;

    provides dev.heddle.core.spi.AttentionBackendProvider with dev.heddle.backend.cpu.CpuBackendProvider,
            dev.heddle.backend.cpu.CpuNativeBackendProvider;
}
