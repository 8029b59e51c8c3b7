/** The {@code heddle} command. One class for each subcommand; {@link dev.heddle.cli.Main} maps failures to exit codes. */
@NullMarked
package dev.heddle.cli;

import org.jspecify.annotations.NullMarked;
