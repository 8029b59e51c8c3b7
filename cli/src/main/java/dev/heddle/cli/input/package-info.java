/** What commands run: saved cases, made-up batches, and the flags that describe them. */
@NullMarked
package dev.heddle.cli.input;

import org.jspecify.annotations.NullMarked;
