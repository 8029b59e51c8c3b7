package dev.heddle.backend.opencl;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import dev.heddle.core.tensor.DataType;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class KernelShapeTest {
    private static final Tile ALONE = new Tile(false, 1, 64, 16, 1);
    private static final Tile TOGETHER = new Tile(true, 128, 32, 1, 2);
    private static final int ALL_DIMS = 256;

    private static KernelShape shape(Tile tile, int rows, int dimQk, int dimVo, DataType type,
            boolean general) {
        return new KernelShape(tile, rows, dimQk, dimVo, type, general, 1, KernelShape.WIDE);
    }

    @Test
    void programsOfProcessorsAreFew() {
        Set<List<String>> programs = new HashSet<>();
        for (DataType type : DataType.values()) {
            for (int rows = 1; rows <= KernelShape.MOST_ROWS; rows++) {
                for (int dim = 8; dim <= ALL_DIMS; dim += 8) {
                    for (boolean general : new boolean[]{false, true}) {
                        for (int buffers : new int[]{1, 2, 4}) {
                            programs.add(shape(ALONE, rows, dim, dim, type, general)
                                    .forCache(buffers, true).macros());
                        }
                    }
                }
            }
        }
        // Head dims matter as multiples of the vector or not.
        assertEquals(DataType.values().length * KernelShape.MOST_ROWS * 2, programs.size());
    }

    @Test
    void programsOfProcessorsTellRowsTypesAndManyBuffersApart() {
        KernelShape one = shape(ALONE, 4, 128, 128, DataType.F16, false).forCache(1, true);
        assertNotEquals(one.macros(),
                shape(ALONE, 3, 128, 128, DataType.F16, false).forCache(1, true).macros());
        assertNotEquals(one.macros(),
                shape(ALONE, 4, 128, 128, DataType.F32, false).forCache(1, true).macros());
        assertNotEquals(one.macros(), one.forCache(5, true).macros());
    }

    @Test
    void programsOfGpusAreSpecialisedForAllThatTheirLoopsAreUnrolledBy() {
        KernelShape shape = shape(TOGETHER, 5, 128, 64, DataType.BF16, true).forCache(3, false);
        assertEquals(
                Set.of("ROWS=5", "D_QK=128", "D_VO=64", "KV_TYPE=2", "GENERAL=1", "SEGMENTS=4", "TOKENS=32",
                        "ITEMS=128", "TEAMS=2", "CHUNK=8"),
                Set.copyOf(shape.macros()));
        assertEquals(10, shape.macros().size());
        KernelShape one = shape(TOGETHER, 5, 128, 64, DataType.BF16, false).forCache(1, true);
        assertEquals(
                Set.of("ROWS=5", "D_QK=128", "D_VO=64", "KV_TYPE=2", "GENERAL=0", "SEGMENTS=1", "TOKENS=32",
                        "ITEMS=128", "TEAMS=2", "CHUNK=16"),
                Set.copyOf(one.macros()));
    }
}
