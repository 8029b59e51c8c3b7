package dev.heddle.planner;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.core.spi.AttentionBackendProvider;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.stream.Stream;
import javax.tools.ToolProvider;

/** A jar whose classes are compiled on the spot. */
final class PluginJar {
    private final Path work;
    private final Map<String, String> sources = new LinkedHashMap<>();
    private final List<String> services = new ArrayList<>();
    private final List<String> left = new ArrayList<>();
    private final Manifest manifest = new Manifest();
    private String classPath = System.getProperty("java.class.path");

    /** Starts a jar; its classes are compiled below {@code work}. */
    PluginJar(Path work) {
        this.work = work;
        manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
    }

    /** Adds a class by its full name. */
    PluginJar type(String name, String source) {
        sources.put(name, source);
        return this;
    }

    /** Adds a provider in package {@code com.example}, named in META-INF/services, whose version is an expression. */
    PluginJar provider(String type, String id, String version) {
        services.add("com.example." + type);
        return type("com.example." + type,
                """
                        package com.example;
                        import dev.heddle.core.capability.*;
                        import dev.heddle.core.spi.*;
                        import dev.heddle.core.tensor.DataType;
                        public final class %s implements AttentionBackendProvider {
                            @Override public String id() { return "%s"; }
                            @Override public String version() { return String.valueOf(%s); }
                            @Override public Capabilities capabilities() {
                                return Capabilities.builder().groupSizes(IntSet.of(1)).headDims(8).dtypes(DataType.F32).build();
                            }
                            @Override public AttentionBackend open(BackendContext context) {
                                throw new UnsupportedOperationException("for declarations only");
                            }
                        }
                        """
                        .formatted(type, id, version));
    }

    /** Compiles a class and leaves it out of the jar. */
    PluginJar without(String name) {
        left.add(name);
        return this;
    }

    PluginJar attribute(String name, String value) {
        manifest.getMainAttributes().putValue(name, value);
        return this;
    }

    /** Compiles against another jar, too. */
    PluginJar against(Path jar) {
        classPath = jar + java.io.File.pathSeparator + classPath;
        return this;
    }

    /** Writes the jar; its folder is made. */
    Path write(Path jar) throws IOException {
        Path classes = compile(Files.createTempDirectory(work, "classes"));
        Files.createDirectories(jar.getParent());
        try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(jar), manifest);
                Stream<Path> files = Files.walk(classes)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                String entry = classes.relativize(file).toString();
                String name = entry.replace('/', '.').replaceAll("\\.class$", "");
                if (entry.endsWith(".class") && !left.contains(name)) {
                    out.putNextEntry(new JarEntry(entry));
                    Files.copy(file, out);
                }
            }
            if (!services.isEmpty()) {
                out.putNextEntry(
                        new JarEntry("META-INF/services/" + AttentionBackendProvider.class.getName()));
                out.write(String.join("\n", services).getBytes(StandardCharsets.UTF_8));
            }
        }
        return jar;
    }

    private Path compile(Path directory) throws IOException {
        var compiler = ToolProvider.getSystemJavaCompiler();
        List<Path> files = new ArrayList<>();
        for (Map.Entry<String, String> source : sources.entrySet()) {
            Path file = directory.resolve(source.getKey().replace('.', '/') + ".java");
            Files.createDirectories(file.getParent());
            files.add(Files.writeString(file, source.getValue()));
        }
        StringWriter errors = new StringWriter();
        try (var manager = compiler.getStandardFileManager(null, null, null)) {
            var task = compiler.getTask(errors, manager, null,
                    List.of("-proc:none", "-cp", classPath, "-d", directory.toString()), null,
                    manager.getJavaFileObjectsFromPaths(files));
            assertTrue(files.isEmpty() || task.call(), errors::toString);
        }
        return directory;
    }
}
