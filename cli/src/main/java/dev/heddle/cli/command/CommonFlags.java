package dev.heddle.cli.command;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonElement;
import dev.heddle.core.capability.Rejection;
import dev.heddle.planner.Heddle;
import dev.heddle.planner.HeddleBuilder;
import dev.heddle.planner.PlannerEvent;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Flags that every command takes, and where it writes. */
public final class CommonFlags {
    @Spec(Spec.Target.MIXEE)
    private CommandSpec spec;

    @Option(names = "--json", description = "print one JSON document on stdout and nothing else")
    private boolean json;

    @Option(names = "--debug", description = "print stack traces")
    private boolean debug;

    @Option(names = {"-h", "--help"}, usageHelp = true, description = "print this")
    private boolean help;

    /** Returns whether the answer is one JSON document. */
    public boolean json() {
        return json;
    }

    /** Returns where answers go. */
    public PrintWriter out() {
        return spec.commandLine().getOut();
    }

    /** Returns where everything else goes. */
    public PrintWriter err() {
        return spec.commandLine().getErr();
    }

    /** Prints the answer as a document. */
    public void print(JsonElement document) {
        Gson gson = new GsonBuilder().serializeNulls().setPrettyPrinting().disableHtmlEscaping().create();
        out().println(gson.toJson(document));
    }

    /** Starts Heddle with the user's plug-ins and calibrations; what goes wrong is told on stderr. */
    public HeddleBuilder heddle() {
        HeddleBuilder builder = Heddle.builder().calibrationDirectory(home().resolve("calibration"))
                .cacheDirectory(cache())
                .listener(this::tell);
        pluginFolders().forEach(builder::plugins);
        return builder;
    }

    /** Returns the folders that were named before or after the command. */
    public List<Path> pluginFolders() {
        return ((WholeCommand) spec.root().userObject()).pluginFolders();
    }

    private void tell(PlannerEvent event) {
        err().println("heddle: " + switch (event) {
            case PlannerEvent.Quarantined(String backend, Rejection rejection) -> rejection.message();
            case PlannerEvent.Recovered(String from, String to) ->
                "run again on " + to + " in place of " + from;
        });
    }

    /** Returns where compiled kernels are kept between processes. */
    public static Path cache() {
        return home().resolve("cache");
    }

    private static Path home() {
        String set = System.getenv("HEDDLE_HOME");
        return set == null ? Path.of(System.getProperty("user.home"), ".heddle") : Path.of(set);
    }
}
