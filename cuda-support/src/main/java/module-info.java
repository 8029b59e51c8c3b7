/**
 * What the CUDA backends share: driver, memory, queues, graphs, kernel images, run-time compilation.
 *
 * @since 0.1
 */
module dev.heddle.cuda {
    requires transitive dev.heddle.core;
    requires static transitive org.jspecify;
    requires jdk.jfr;
    requires jcuda;
    requires org.lwjgl;
    requires org.lwjgl.cuda;

    exports dev.heddle.cuda;
    exports dev.heddle.cuda.decode;
}
