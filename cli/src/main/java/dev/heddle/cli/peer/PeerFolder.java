package dev.heddle.cli.peer;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * The folder that holds peers' jars: a subfolder for each, named {@code name-version}, and beside them
 * {@value #ADAPTERS} with the classes that call them.
 *
 * @param path the folder, which need not exist
 */
public record PeerFolder(Path path) {
    private static final String ADAPTERS = "heddle-peers.jar";
    private static final Map<String, String> CLASSES =
            Map.of("onnxruntime", "dev.heddle.benchmarks.peer.OnnxRuntimePeer",
                    "jlama", "dev.heddle.benchmarks.peer.JlamaPeer");

    /** A loop in plain Java, which is there without a folder. */
    public static final PeerProgram PLAIN_LOOP =
            new PeerProgram("plain-loop", PlainLoopPeer.class.getName(), List.of());

    /**
     * Returns the peers found in the folder, in the order of their names.
     *
     * @throws IOException if the folder is there and cannot be read
     */
    public List<PeerProgram> programs() throws IOException {
        List<PeerProgram> found = new ArrayList<>();
        Path adapters = path.resolve(ADAPTERS);
        if (!Files.isRegularFile(adapters)) {
            return found;
        }
        try (Stream<Path> folders = Files.list(path)) {
            for (Path folder : folders.filter(Files::isDirectory).sorted().toList()) {
                String id = folder.getFileName().toString();
                String type = CLASSES.get(id.replaceFirst("-\\d.*", ""));
                if (type != null) {
                    found.add(new PeerProgram(id, type,
                            List.of(adapters.toString(), folder.resolve("*").toString())));
                }
            }
        }
        return found;
    }
}
