/**
 * Paged attention on OpenCL devices: GPUs of any vendor, and the CPU through PoCL.
 *
 * @since 0.1
 */
module dev.heddle.backend.opencl {
    requires transitive dev.heddle.core;
    requires static transitive org.jspecify;
    requires jdk.jfr;
    requires org.lwjgl;
    requires org.lwjgl.opencl;

    exports dev.heddle.backend.opencl;
    exports dev.heddle.backend.opencl.device;

    provides dev.heddle.core.spi.AttentionBackendProvider
            with dev.heddle.backend.opencl.OpenClBackendProvider;
}
