package dev.heddle.cli;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Requests that no memory holds: exit 2 and one line, before anything large is taken. */
class TooLargeTest {
    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', value = {
            "memory   | OUT_OF_MEMORY | host cannot | --heads 512/512 --page-size 1024 --batch 1x2000000000",
            "the heap | OUT_OF_MEMORY | heap        | --page-size 1 --batch 1x2147483647",
            "pages    | BAD_INPUT     | 2^31        | --page-size 1 --batch 4*1x2147483647",
            "rows     | BAD_INPUT     | 2^31        | --batch 4*2147483647x1"
    })
    void refused(String what, String errorCode, String word, String flags) {
        String[] command = ("run " + flags).split(" ");
        String[] json = ("run --json " + flags).split(" ");
        long before = nativeBytes();
        Cli.run(command).exits(2).says(word);
        Cli.run(json).exits(2).saysJson(errorCode, word);
        assertTrue(nativeBytes() - before < 64 << 20, () -> what + " leaves memory behind");
    }

    private static long nativeBytes() {
        return ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
                .mapToLong(BufferPoolMXBean::getMemoryUsed).sum();
    }
}
