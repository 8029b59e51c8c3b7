package dev.heddle.conformance.isolation;

import dev.heddle.conformance.Budget;
import dev.heddle.conformance.KitOptions;
import dev.heddle.conformance.Subject;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The command line of a child VM: this VM's Java, flags, class path and module path. */
final class ChildCommand {
    // What must not be twice: a debugger's port, agents' output files, and what is passed below anyway.
    private static final List<String> NOT_PASSED_ON = List.of(
            "-agentlib:", "-agentpath:", "-javaagent:", "-Xrun", "--module-path=", "--add-modules=",
            "-Djava.class.path=", "-XX:StartFlightRecording", "-XX:Flags=", "-XX:AOT");

    private ChildCommand() {}

    static List<String> of(Subject subject, KitOptions options, Budget budget, int skip,
            Path events) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(flag -> NOT_PASSED_ON.stream().noneMatch(flag::startsWith))
                .forEach(command::add);
        String modulePath = System.getProperty("jdk.module.path", "");
        if (!modulePath.isEmpty()) {
            command.addAll(List.of("--module-path", modulePath, "--add-modules", "ALL-MODULE-PATH"));
        }
        if (ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent()) {
            command.addAll(List.of("--add-modules", "jdk.incubator.vector"));
        }
        String classPath = System.getProperty("java.class.path", "");
        if (!classPath.isEmpty()) {
            command.addAll(List.of("--class-path", classPath));
        }
        Providers.plugin(subject.provider())
                .ifPresent(place -> command.add("-D" + Providers.PLUGIN + "=" + place));
        // A crash report beside the other files of the run, which are removed with it; not where the user is.
        command.add("-XX:ErrorFile=" + events.resolveSibling("crash.log"));
        Module module = ChildMain.class.getModule();
        if (module.isNamed()) {
            command.add("--module");
            command.add(module.getName() + "/" + ChildMain.class.getName());
        } else {
            command.add(ChildMain.class.getName());
        }
        command.addAll(List.of(
                events.toString(),
                subject.id(),
                Providers.spell(subject.provider()),
                String.valueOf(options.seed()),
                String.valueOf(options.freshSeed()),
                budget.toString(),
                options.cacheDirectory() == null ? "" : options.cacheDirectory().toString(),
                String.valueOf(skip)));
        command.addAll(options.rules());
        return command;
    }
}
