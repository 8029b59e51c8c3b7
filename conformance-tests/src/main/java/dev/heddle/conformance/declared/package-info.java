/**
 * Requests derived from a declaration: sample values of every dimension, covers of all pairs of them, real models'
 * geometries, and neighbours that are not declared.
 */
@NullMarked
package dev.heddle.conformance.declared;

import org.jspecify.annotations.NullMarked;
