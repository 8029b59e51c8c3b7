package dev.heddle.cli;

import dev.heddle.cli.bench.BenchCommand;
import dev.heddle.cli.command.WholeCommand;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** {@code heddle}: exit 0 done, 1 a check failed, 2 bad input or usage, 3 no backend can run it. */
@Command(name = "heddle",
        description = "Paged attention for the JVM: any group size, on whatever hardware is there.",
        mixinStandardHelpOptions = true, versionProvider = Version.class, subcommands = {
                RunCommand.class,
                BackendsCommand.class,
                PlanCommand.class,
                ConformanceCommand.class,
                BenchCommand.class,
                CalibrateCommand.class
        })
public final class Main implements Runnable, WholeCommand {
    @Spec
    private CommandSpec spec;

    @Option(names = "--plugins", paramLabel = "DIR", scope = ScopeType.INHERIT,
            description = "also look for backends in this folder: each jar, and each sub-folder of jars, apart from the others")
    private List<Path> plugins = List.of();

    @Override
    public List<Path> pluginFolders() {
        return plugins;
    }

    /** Runs the command and ends the VM with its exit code. */
    public static void main(String[] arguments) {
        System.exit(execute(
                new PrintWriter(System.out, true, StandardCharsets.UTF_8),
                new PrintWriter(System.err, true, StandardCharsets.UTF_8), arguments));
    }

    /** Runs the command on streams and returns its exit code. */
    static int execute(PrintWriter out, PrintWriter err, String... arguments) {
        boolean json = Arrays.asList(arguments).contains("--json");
        boolean debug = Arrays.asList(arguments).contains("--debug");
        Failures failures = new Failures(out, err, json, debug);
        CommandLine command = new CommandLine(new Main())
                .setOut(out)
                .setErr(err)
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setExecutionExceptionHandler((e, line, result) -> failures.report(e))
                .setParameterExceptionHandler((e, given) -> failures.usage(e));
        int code;
        try {
            code = command.execute(arguments);
        } catch (OutOfMemoryError e) {
            code = failures.heapTooSmall(e);
        }
        out.flush();
        err.flush();
        return code;
    }

    @Override
    public void run() {
        throw new CommandLine.ParameterException(spec.commandLine(), "a command is needed: "
                + String.join(", ", spec.subcommands().keySet()) + "; 'heddle run' is a good first one");
    }
}
