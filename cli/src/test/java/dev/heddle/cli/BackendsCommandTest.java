package dev.heddle.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BackendsCommandTest {
    @TempDir
    Path directory;

    @Test
    void jsonHoldsEveryBackend() throws IOException {
        JsonObject document =
                FewGroupsBackend.onTheClassPath(directory, () -> Cli.run("backends", "--json")).exits(0)
                        .json();
        Set<String> ids =
                document.getAsJsonArray("backends").asList().stream().map(JsonElement::getAsJsonObject)
                        .map(b -> b.get("id").getAsString()).collect(Collectors.toCollection(TreeSet::new));
        assertTrue(ids.containsAll(Set.of("cpu", "few-groups")), ids::toString);
        for (JsonElement one : document.getAsJsonArray("backends")) {
            JsonObject backend = one.getAsJsonObject();
            assertTrue(backend.keySet().containsAll(
                    Set.of("id", "version", "status", "device", "capabilities", "rejections")),
                    backend::toString);
            if (backend.get("id").getAsString().equals("cpu")) {
                assertEquals("available", backend.get("status").getAsString().toLowerCase(Locale.ROOT));
                assertTrue(backend.get("device").isJsonObject(), backend::toString);
            }
        }
    }

    @Test
    void markdownHasOneRowForEachBackend() throws IOException {
        List<String> alone = table(Cli.run("backends", "--markdown"));
        List<String> both =
                table(FewGroupsBackend.onTheClassPath(directory, () -> Cli.run("backends", "--markdown")));
        assertEquals(alone.size() + 1, both.size());
        assertEquals(1, both.stream().filter(row -> row.startsWith("| cpu |")).count());
        List<String> few = both.stream().filter(row -> row.startsWith("| few-groups |")).toList();
        assertEquals(1, few.size());
        assertTrue(few.getFirst().contains("| 1, 2, 3, 4, 8 |"), few::toString);
        assertTrue(few.getFirst().contains("| 128 |"), few::toString);
    }

    /** Returns the rows under the two lines of the head, after a look at their shape. */
    private static List<String> table(Cli answer) {
        List<String> lines = answer.exits(0).out().lines().toList();
        assertTrue(lines.get(0).startsWith("| backend | group sizes |"), answer::toString);
        assertTrue(lines.get(1).matches("\\|( --- \\|)+"), answer::toString);
        long bars = lines.getFirst().chars().filter(c -> c == '|').count();
        for (String line : lines) {
            assertEquals(bars, line.chars().filter(c -> c == '|').count(), line);
        }
        return lines.subList(2, lines.size());
    }

    @Test
    void theTextNamesTheDeviceAndTheGroupSizes() {
        Cli answer = Cli.run("backends").exits(0);
        assertTrue(answer.out().contains("cpu ") && answer.out().contains(": available, "), answer.out());
        assertTrue(answer.out().contains("group sizes"), answer.out());
        assertEquals("", answer.err());
    }
}
