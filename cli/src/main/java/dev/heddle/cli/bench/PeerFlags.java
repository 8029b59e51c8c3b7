package dev.heddle.cli.bench;

import dev.heddle.cli.peer.PeerFolder;
import dev.heddle.cli.peer.PeerProgram;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The flags of {@code heddle bench} that say which peers are timed on the host. */
final class PeerFlags {
    /** The property that names the folder of a checkout; the launcher sets it. */
    static final String PROPERTY = "heddle.peer.dir";

    @Option(names = "--against", paramLabel = "IDS", defaultValue = "all",
            description = "peers to time beside the cpu backend: all, none, or ids with commas (default: all)")
    private String against = "all";

    @Option(names = "--peer-dir", paramLabel = "DIR",
            description = "peers' jars (default: benchmarks/target/peers of the checkout)")
    private @Nullable Path folder;

    @Option(names = "--millis", paramLabel = "N", defaultValue = "600",
            description = "how long to time each row on the host; warming up takes as long (default: 600)")
    int millis = 600;

    /** Returns the peers to start. */
    List<PeerProgram> programs() throws IOException {
        if (against.equals("none")) {
            return List.of();
        }
        List<PeerProgram> found = new ArrayList<>(found());
        found.add(PeerFolder.PLAIN_LOOP);
        if (against.equals("all")) {
            return found;
        }
        List<PeerProgram> chosen = new ArrayList<>();
        for (String id : against.split(",", -1)) {
            chosen.add(found.stream().filter(program -> program.id().equals(id)).findAny()
                    .orElseThrow(() -> new IllegalArgumentException("--against names '" + id + "', there are "
                            + String.join(", ", found.stream().map(PeerProgram::id).toList()))));
        }
        return chosen;
    }

    private List<PeerProgram> found() throws IOException {
        Path where = where();
        return where == null ? List.of() : new PeerFolder(where).programs();
    }

    private @Nullable Path where() {
        String set = System.getProperty(PROPERTY);
        return folder != null ? folder : set == null ? null : Path.of(set);
    }

    /** Returns how to get what is missing, or null if all was found or not asked for. */
    @Nullable
    String hint() throws IOException {
        if (!against.equals("all") || !found().isEmpty()) {
            return null;
        }
        Path where = where();
        return "no peers " + (where == null ? "without a folder" : "in " + where)
                + "; in a checkout, 'mvn -q -Pquick,peers -pl benchmarks -am package' fetches them";
    }
}
