/** Paged attention with a counting frame: an example of a backend that is not part of Heddle. */
@NullMarked
package com.example.abacus;

import org.jspecify.annotations.NullMarked;
