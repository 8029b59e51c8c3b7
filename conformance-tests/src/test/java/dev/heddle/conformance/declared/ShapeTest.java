package dev.heddle.conformance.declared;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.conformance.ConformanceCase;
import dev.heddle.conformance.ConformanceRun;
import dev.heddle.conformance.KitOptions;
import dev.heddle.conformance.RuleBook;
import dev.heddle.conformance.Subject;
import dev.heddle.conformance.reference.PlainBackend;
import dev.heddle.core.attention.Accuracy;
import dev.heddle.core.capability.IntSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ShapeTest {
    /** Every name that the kit gives is read back to the shape that it names. */
    @Test
    void aNameSaysAll() {
        List<ConformanceCase> cases =
                ConformanceRun.cases(Subject.of(new PlainBackend()), KitOptions.DEFAULT, RuleBook.all())
                        .stream().filter(kase -> kase.family() != null).toList();
        assertTrue(cases.size() > 1000, "only " + cases.size());
        cases.forEach(kase -> assertSame(kase.family().shape()));
    }

    private static void assertSame(Shape shape) {
        Shape read = Shape.parse(shape.name(), shape.spec().accuracy());
        assertEquals(shape.spec(), read.spec(), shape::name);
        assertArrayEquals(shape.qoLens(), read.qoLens(), shape::name);
        assertArrayEquals(shape.kvLens(), read.kvLens(), shape::name);
    }

    @Test
    void randomShapesAreDeclaredNamedAndVaried() {
        Declared declared = new Declared(new PlainBackend().capabilities().toBuilder()
                .groupSizes(IntSet.multiplesOf(3, 60)).build());
        RandomShapes shapes = new RandomShapes(declared, 5);
        List<Shape> drawn = IntStream.range(0, 400).boxed().flatMap(i -> shapes.next().stream()).toList();
        assertTrue(drawn.size() > 200, "only " + drawn.size() + " of 400 draws are declared");
        drawn.forEach(shape -> {
            assertTrue(declared.supports(shape), shape::name);
            assertSame(shape);
        });
        Set<Integer> groups = new HashSet<>();
        drawn.forEach(shape -> groups.add(shape.spec().groupSize()));
        assertTrue(groups.size() > 12, "only groups " + groups);
        assertEquals(drawn.getFirst().name(), firstOf(new RandomShapes(declared, 5)).name(), "same seed");
        assertTrue(!drawn.getFirst().name().equals(firstOf(new RandomShapes(declared, 6)).name()),
                "other seed");
    }

    private static Shape firstOf(RandomShapes shapes) {
        return IntStream.range(0, 100).boxed().flatMap(i -> shapes.next().stream()).findFirst().orElseThrow();
    }

    @ParameterizedTest
    @ValueSource(strings = {"g7-d128", "g7-d128-p16-bf16-h2-q1-kvx", "g7-d128-p16-bf16-h2-nonsense-q1-kv3",
            "g0-d128-p16-bf16-h2-q1-kv3", "g2-d-p16-bf16-h2-q1-kv3", "", "g99999-d8-p1-f32-h99999-q1-kv1",
            "g1-d8-p1-f32-h1-q-1-kv1"})
    void whatIsNoShapeIsRefusedInWords(String text) {
        IllegalArgumentException refusal =
                assertThrows(IllegalArgumentException.class, () -> Shape.parse(text, Accuracy.DTYPE));
        assertTrue(refusal.getMessage().contains("is no shape") || refusal.getMessage().contains("must"),
                refusal::getMessage);
    }
}
