package dev.heddle.backend.opencl;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Map;
import org.junit.jupiter.api.Test;

class TunerTest {
    @Test
    void tilesComeBackFromTheirText() {
        Map<Integer, Tile> tiles =
                Map.of(1, new Tile(true, 128, 64, 1, 2), 8, new Tile(false, 1, 32, 16, 1));
        assertEquals(tiles, Tuner.parse(Tuner.text(tiles)));
        assertEquals(Map.of(), Tuner.parse(""));
    }

    @Test
    void textOfAnotherKindIsRefused() {
        assertThrows(NumberFormatException.class, () -> Tuner.parse("1 1 128"));
        assertThrows(NumberFormatException.class, () -> Tuner.parse("1 1 128 64 1 many"));
    }
}
