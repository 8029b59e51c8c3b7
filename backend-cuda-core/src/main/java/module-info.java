/**
 * Paged attention on CUDA cores: any group size, specialised when it is first needed.
 *
 * @since 0.1
 */
module dev.heddle.backend.cuda.core {
    requires transitive dev.heddle.core;
    requires static transitive org.jspecify;
    requires dev.heddle.cuda;

    exports dev.heddle.backend.cuda.core;

    provides dev.heddle.core.spi.AttentionBackendProvider
            with dev.heddle.backend.cuda.core.CudaCoreBackendProvider;

    opens dev.heddle.backend.cuda.core to dev.heddle.cuda; // where it finds source and images
}
