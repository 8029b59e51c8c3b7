package dev.heddle.cli.command;

import java.io.Console;
import java.io.OutputStream;
import java.io.PrintStream;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/** Bars on stderr, where they disturb no document. */
public final class Progress {
    private static final int WIDTH = 90;

    private Progress() {}

    /** Starts a bar; steps is −1 where nobody knows how many there are. */
    public static ProgressBar bar(String task, long steps) {
        Console console = System.console();
        boolean seen = console != null && console.isTerminal();
        PrintStream err = seen ? System.err : new PrintStream(OutputStream.nullOutputStream());
        return new ProgressBarBuilder()
                .setTaskName(task)
                .setInitialMax(steps)
                .setStyle(ProgressBarStyle.ASCII)
                .setConsumer(new ConsoleProgressBarConsumer(err, WIDTH))
                .build();
    }
}
