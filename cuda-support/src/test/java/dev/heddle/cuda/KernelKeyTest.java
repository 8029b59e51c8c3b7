package dev.heddle.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class KernelKeyTest {
    private static final KernelSource SOURCE = new KernelSource("a.cu", "text", KernelKeyTest.class);
    private static final List<String> MACROS = List.of("A=1", "B=2");

    @Test
    void everythingThatTheImageDependsOnChangesTheKey() {
        Set<String> keys = new HashSet<>();
        keys.add(KernelLoader.key(SOURCE, MACROS, "sm_90"));
        keys.add(KernelLoader.key(new KernelSource("a.cu", "text ", KernelKeyTest.class), MACROS, "sm_90"));
        keys.add(KernelLoader.key(SOURCE, List.of("A=1", "B=3"), "sm_90"));
        keys.add(KernelLoader.key(SOURCE, List.of("A=1"), "sm_90"));
        keys.add(KernelLoader.key(SOURCE, List.of("A=12", "B="), "sm_90"));
        keys.add(KernelLoader.key(SOURCE, List.of(), "sm_90"));
        keys.add(KernelLoader.key(SOURCE, MACROS, "sm_80"));
        assertEquals(7, keys.size());
    }

    @Test
    void nothingElseChangesTheKey() {
        String key = KernelLoader.key(SOURCE, MACROS, "sm_90");
        assertEquals(key, KernelLoader.key(SOURCE, List.of("B=2", "A=1"), "sm_90"), "the order of macros");
        assertEquals(key, KernelLoader.key(new KernelSource("b.cu", "text", String.class), MACROS, "sm_90"),
                "where the source lies");
    }

    @Test
    void keyIsAFileNameAndTheSameInEveryVersion() {
        String key = KernelLoader.key(SOURCE, MACROS, "sm_90");
        assertTrue(key.matches("[0-9a-f]{32}"), key);
        assertEquals("57d3cd044d516c0797047aa66def5131", key,
                "images in jars and caches are found by it: raise FORMAT to change it");
    }

    @Test
    void sourceThatTheJarHasLostIsNamed() {
        String message = assertThrows(IllegalStateException.class,
                () -> KernelSource.resource(KernelKeyTest.class, "lost.cu")).getMessage();
        assertTrue(message.contains("lost.cu") && message.contains(KernelKeyTest.class.getName()), message);
    }

    @Test
    void sourceIsReadAsItLies() {
        KernelSource source = KernelSource.resource(KernelKeyTest.class, "add.cu");
        assertEquals("add.cu", source.name());
        assertEquals("// größer\n", source.text());
    }
}
