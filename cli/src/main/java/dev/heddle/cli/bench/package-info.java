/** {@code heddle bench}: what backends and peers take, beside the limit of the machine. */
@NullMarked
package dev.heddle.cli.bench;

import org.jspecify.annotations.NullMarked;
