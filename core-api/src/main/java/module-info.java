/**
 * The vocabulary of paged attention and the SPI of its backends. Depends on nothing but the JDK.
 *
 * @since 0.1
 */
module dev.heddle.core {
    requires static transitive org.jspecify;

    exports dev.heddle.core;
    exports dev.heddle.core.attention;
    exports dev.heddle.core.cache;
    exports dev.heddle.core.capability;
    exports dev.heddle.core.page;
    exports dev.heddle.core.pool;
    exports dev.heddle.core.session;
    exports dev.heddle.core.spi;
    exports dev.heddle.core.tensor;

    uses dev.heddle.core.spi.AttentionBackendProvider;
}
