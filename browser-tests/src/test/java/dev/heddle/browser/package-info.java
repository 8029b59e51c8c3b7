/** The conformance report in the distribution's Chromium. */
@NullMarked
package dev.heddle.browser;

import org.jspecify.annotations.NullMarked;
