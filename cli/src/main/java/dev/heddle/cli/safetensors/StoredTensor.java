package dev.heddle.cli.safetensors;

import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * A tensor of a file.
 *
 * @param name its name
 * @param type element type
 * @param shape extents, outermost first
 * @param data exactly its bytes, little-endian
 */
public record StoredTensor(String name, StoredType type, List<Long> shape, MemorySegment data) {}
