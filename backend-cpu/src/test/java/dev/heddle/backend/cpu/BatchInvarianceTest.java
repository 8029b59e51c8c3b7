package dev.heddle.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.conformance.input.Company;
import dev.heddle.conformance.input.Output;
import dev.heddle.conformance.input.Placed;
import dev.heddle.conformance.input.Request;
import dev.heddle.conformance.input.RequestBuilder;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.Determinism;
import dev.heddle.core.session.SessionPlan;
import dev.heddle.core.spi.AttentionBackendProvider;
import dev.heddle.core.tensor.DataType;
import java.util.Arrays;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A request's rows do not depend on who else is in the batch, nor on how many threads there are. */
class BatchInvarianceTest {
    AttentionBackendProvider provider() {
        return new CpuBackendProvider();
    }

    private static final int[] KV_LENS = {1300, 1, 513, 40, 1024, 0, 511};
    private static final int[] SHUFFLED = {4, 6, 0, 5, 2, 1, 3};

    /** Decode, and chunked prefill with more rows than one tile holds. */
    private static Request batch(int qoLen) {
        AttentionSpec spec = AttentionSpec.builder().numQoHeads(14).numKvHeads(2).headDim(64)
                .dtype(DataType.BF16).outDtype(DataType.F32).pageSize(16).causal()
                .determinism(Determinism.BATCH_INVARIANT).build();
        return RequestBuilder.of(spec).qoLens(qoLen).kvLens(KV_LENS).seed(7).build();
    }

    private static void assertSame(String what, Output expected, Output actual) {
        assertEquals("", expected.firstDifference(actual), what);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 20})
    void rowsAreTheSameAloneInABatchAndInAnotherOrder(int qoLen) {
        Request batch = batch(qoLen);
        try (Opened one = new Opened(provider(), 1); Opened four = new Opened(provider(), 4)) {
            Output together = one.run(batch);
            assertSame("1 and 4 workers", together, four.run(batch));
            Request shuffled = Company.of(batch, SHUFFLED);
            Output inOtherOrder = four.run(shuffled);
            for (int i = 0; i < SHUFFLED.length; i++) {
                int request = SHUFFLED[i];
                Output expected = Company.rows(together, batch.batch(), request);
                assertSame("request " + request + " in another order", expected,
                        Company.rows(inOtherOrder, shuffled.batch(), i));
                Request alone = Company.of(batch, request);
                assertSame("request " + request + " alone, 1 worker", expected, one.run(alone));
                assertSame("request " + request + " alone, 4 workers", expected, four.run(alone));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3, 8, 32})
    void aLongSequenceIsCutDifferentlyButSummedAlike(int parallelism) {
        Request alone = Company.of(batch(1), 0);
        Request crowd = batch(1);
        try (Opened one = new Opened(provider(), 1); Opened many = new Opened(provider(), parallelism);
                SessionPlan whole = one.plan(alone); SessionPlan cut = many.plan(alone);
                SessionPlan crowded = one.plan(crowd)) {
            // Without this the equality below would compare a path with itself.
            assertEquals(1, whole.schedule().workUnits());
            assertEquals(parallelism == 3 ? 3 : 6, cut.schedule().workUnits()); // one chunk each, or one head of it
            assertEquals(7, crowded.schedule().workUnits());
            assertSame(parallelism + " workers", one.run(alone), many.run(alone));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 4})
    void runsRepeatBitForBit(int parallelism) {
        Request alone = Company.of(batch(3), 0, 4);
        try (Opened opened = new Opened(provider(), parallelism); Placed placed = opened.place(alone);
                SessionPlan plan = opened.plan(alone)) {
            Opened.run(plan, placed);
            Output first = placed.read();
            assertTrue(first.out().length > 0 && !Float.isNaN(first.out()[0]));
            for (int i = 0; i < 100; i++) {
                placed.poison();
                Opened.run(plan, placed);
                assertSame("run " + i, first, placed.read());
            }
            Output fresh = opened.run(alone);
            assertSame("another plan", first, fresh);
            assertEquals(Arrays.hashCode(first.lse()), Arrays.hashCode(fresh.lse()));
        }
    }
}
