/** What every command has: flags, where answers go, progress. */
@NullMarked
package dev.heddle.cli.command;

import org.jspecify.annotations.NullMarked;
