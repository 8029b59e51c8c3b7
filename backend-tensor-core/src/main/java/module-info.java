/**
 * Paged attention on tensor cores: any group size at the cost of its memory traffic.
 *
 * @since 0.1
 */
module dev.heddle.backend.tensor.core {
    requires transitive dev.heddle.core;
    requires static transitive org.jspecify;
    requires dev.heddle.cuda;

    exports dev.heddle.backend.tensor.core;

    provides dev.heddle.core.spi.AttentionBackendProvider
            with dev.heddle.backend.tensor.core.TensorCoreBackendProvider;

    opens dev.heddle.backend.tensor.core to dev.heddle.cuda; // where it finds the source
}
