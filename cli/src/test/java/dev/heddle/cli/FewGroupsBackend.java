package dev.heddle.cli;

import dev.heddle.core.attention.Feature;
import dev.heddle.core.capability.Capabilities;
import dev.heddle.core.capability.IntRange;
import dev.heddle.core.capability.IntSet;
import dev.heddle.core.spi.AttentionBackend;
import dev.heddle.core.spi.AttentionBackendProvider;
import dev.heddle.core.spi.BackendContext;
import dev.heddle.core.tensor.DataType;
import java.io.IOException;
import java.net.URI;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Supplier;

/** What a made-up jar on the class path brings: a backend for group sizes {1,2,3,4,8}, never opened. */
public final class FewGroupsBackend implements AttentionBackendProvider {
    /** Runs something as if a jar that names this provider lay on the class path. */
    static <T> T onTheClassPath(Path directory, Supplier<T> job) throws IOException {
        Path services = Files.createDirectories(directory.resolve("META-INF").resolve("services"));
        Files.writeString(services.resolve(AttentionBackendProvider.class.getName()),
                FewGroupsBackend.class.getName());
        URI root = directory.toUri();
        Thread thread = Thread.currentThread();
        ClassLoader before = thread.getContextClassLoader();
        try (URLClassLoader loader = new URLClassLoader(new URL[]{root.toURL()}, before)) {
            thread.setContextClassLoader(loader);
            return job.get();
        } finally {
            thread.setContextClassLoader(before);
        }
    }

    @Override
    public String id() {
        return "few-groups";
    }

    @Override
    public String version() {
        return "0.7";
    }

    @Override
    public Capabilities capabilities() {
        return Capabilities.builder().groupSizes(IntSet.of(1, 2, 3, 4, 8)).headDims(128)
                .pageSizes(IntSet.atLeast(1)).dtypes(DataType.F32, DataType.F16, DataType.BF16)
                .qoLen(IntRange.of(1)).features(Feature.LSE).build();
    }

    @Override
    public AttentionBackend open(BackendContext context) {
        throw new IllegalStateException("this backend is for declarations only");
    }
}
