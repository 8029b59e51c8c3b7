package dev.heddle.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.cli.input.BatchText;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is typed wrongly: exit 2, one line that names it. */
class UsageTest {
    @ParameterizedTest
    @ValueSource(strings = {"run", "backends", "plan", "conformance", "bench", "calibrate"})
    void helpOfEveryCommand(String command) {
        for (String flag : new String[]{"--help", "-h"}) {
            Cli answer = Cli.run(command, flag).exits(0);
            assertTrue(answer.out().startsWith("Usage: heddle " + command), answer.out());
            assertTrue(answer.out().contains("--json"), answer.out());
            assertEquals("", answer.err());
        }
        assertTrue(Cli.run("--help").exits(0).out().contains("  " + command + " "), command);
    }

    @Test
    void versionIsPrinted() {
        assertTrue(Cli.run("--version").exits(0).out().startsWith("heddle "));
    }

    @Test
    void withoutACommandThoseThatThereAreAreListed() {
        Cli.run().exits(2).says("a command is needed", "run", "backends", "plan", "conformance", "bench",
                "calibrate");
    }

    @ParameterizedTest
    @ValueSource(strings = {"run", "backends", "plan", "conformance", "bench", "calibrate"})
    void unknownFlags(String command) {
        Cli.run(command, "--colour").exits(2).says("--colour", "heddle " + command + " --help");
        Cli.run(command, "--colour", "--json").exits(2).saysJson("USAGE", "--colour");
    }

    @Test
    void unknownCommands() {
        Cli.run("weave").exits(2).says("weave");
        Cli.run("weave", "--json").exits(2).saysJson("USAGE", "weave");
    }

    @ParameterizedTest
    @CsvSource({
            "run, --heads", "run, --batch", "run, --case", "run, --backend", "run, --dump",
            "plan, --head-dim",
            "plan, --dtype", "conformance, --rules", "conformance, --report", "bench, --shapes",
            "calibrate, --backend"
    })
    void missingValues(String command, String flag) {
        Cli.run(command, flag).exits(2).says(flag);
    }

    @ParameterizedTest
    @CsvSource({
            "--page-size, x", "--page-size, 1.5", "--page-size, 99999999999", "--window, wide",
            "--soft-cap, soft",
            "--layout, DHN", "--seed, x"
    })
    void valuesOfTheWrongType(String flag, String value) {
        Cli.run("plan", flag, value).exits(2).says(flag, value);
        Cli.run("plan", flag, value, "--json").exits(2).saysJson("USAGE", flag, value);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
            "--heads | 28/5 | 28", "--heads | 0/4 | 0", "--heads | 28/0 | 0", "--heads | -28/-4 | -28",
            "--heads | abc | --heads", "--heads | 28 | --heads", "--heads | 28/4/2 | --heads",
            "--heads | 28/ | --heads", "--heads | 28.0/4 | --heads", "--heads | 4/28 | 4",
            "--heads | 99999999999/1 | --heads", "--head-dim | 0 | 0", "--head-dim | -8 | -8",
            "--head-dim | 128/ | --head-dim", "--head-dim | 1/2/3 | --head-dim",
            "--head-dim | wide | --head-dim",
            "--dtype | f31 | f31", "--dtype | BF17 | BF17", "--kv-dtype | f64 | f64",
            "--page-size | 0 | 0", "--page-size | -16 | -16", "--window | -2 | -2", "--soft-cap | -1 | -1",
            "--soft-cap | NaN | NaN"
    })
    void shapesThatAreNone(String flag, String value, String word) {
        for (String command : new String[]{"plan", "run"}) {
            Cli.run(command, flag, value).exits(2).says(word);
            Cli.run(command, flag, value, "--json").exits(2).saysJson("BAD_INPUT", word);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {
            "", ",", "1", "x", "1x", "x1", "1x1,", ",1x1", "1x1,,1x1", "1x1;1x1", "1*x1", "*1x1", "1**1x1",
            "a*1x1",
            "-1*1x1", "1x-1", "-1x1", "1.5x1", "0*1x1", "1X1", "1 x 1", "2147483648x1", "1x2147483648",
            "1x99999999999",
            "1048577*1x1", "999999999*1x1", "9999999999*1x1", "600000*1x1,600000*1x1"
    })
    void batchesThatAreNone(String text) {
        assertThrows(IllegalArgumentException.class, () -> BatchText.parse(text));
        Cli.run("plan", "--batch", text).exits(2).says("batch", "'" + text.split(",600")[0] + "'");
    }

    @Test
    void batchesAreReadInOrder() {
        BatchText batch = BatchText.parse("2*1x8, 33x97,0x0");
        assertArrayEquals(new int[]{1, 1, 33, 0}, batch.qoLens());
        assertArrayEquals(new int[]{8, 8, 97, 0}, batch.kvLens());
    }

    @Test
    void debugAddsTheTraceToABadValue() {
        Cli answer = Cli.run("plan", "--heads", "28/5", "--debug").exits(2);
        assertTrue(answer.err().contains("\tat dev.heddle."), answer.err());
        assertEquals("", answer.out());
    }
}
