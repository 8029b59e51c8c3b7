package dev.heddle.cli.command;

import java.nio.file.Path;
import java.util.List;

/** The command that all others are sub-commands of, with the flags that stand before them. */
public interface WholeCommand {
    /** Returns the folders of plug-ins that were named. */
    List<Path> pluginFolders();
}
