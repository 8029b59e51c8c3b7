package dev.heddle.conformance;

import dev.heddle.conformance.declared.Shape;
import dev.heddle.core.Evolving;
import java.util.function.Function;

/**
 * Cases that prove one thing of any shape: a case of it may be made anew for a smaller shape, or for one that a name
 * spells out.
 *
 * @param prefix what stands before the shape in a case's name; empty or ending in a dash
 * @param shape the shape at hand
 * @param proof what proves it of a shape
 * @since 0.1
 */
@Evolving
public record ShapeFamily(String prefix, Shape shape, Function<Shape, CaseBody> proof) {}
