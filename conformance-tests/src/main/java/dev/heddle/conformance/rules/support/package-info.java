/** What rules of several chapters share: lengths that keep a case short, cases that compare with the oracle. */
@NullMarked
package dev.heddle.conformance.rules.support;

import org.jspecify.annotations.NullMarked;
