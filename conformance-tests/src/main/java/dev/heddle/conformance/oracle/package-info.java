/**
 * What is right: attention in fp64 as core-api's attention package defines it, written for reading, sharing no
 * arithmetic with any backend; and how far off a plain low-precision implementation is.
 */
@NullMarked
package dev.heddle.conformance.oracle;

import org.jspecify.annotations.NullMarked;
