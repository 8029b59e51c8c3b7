package dev.heddle.conformance.shrink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.conformance.CaseResult;
import dev.heddle.conformance.ConformanceCase;
import dev.heddle.conformance.ConformanceReport;
import dev.heddle.conformance.ConformanceRun;
import dev.heddle.conformance.KitOptions;
import dev.heddle.conformance.Outcome;
import dev.heddle.conformance.RuleBook;
import dev.heddle.conformance.Subject;
import dev.heddle.conformance.declared.Declared;
import dev.heddle.conformance.declared.Shape;
import dev.heddle.conformance.reference.PlainBackend;
import dev.heddle.core.attention.KvLayout;
import dev.heddle.core.spi.DeviceInfo;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;

class MinimiserTest {
    private static final Subject PLAIN = Subject.of(new PlainBackend());
    private static final String LARGE =
            "2.02/g9-d96x64-p33-bf16-kfp8_e4m3-headscale-h3-hnd-strided-causal-w21-cap30.0"
                    + "-sinks-alibi-invariant-q3+7+1+4-kv97+140+200+33/seed5";

    private static CaseResult shrunk(String name, Predicate<Shape> fails) {
        ConformanceCase kase =
                ConformanceRun.cases(PLAIN, KitOptions.ofCase(name), RuleBook.all()).getFirst();
        assertEquals(name, kase.name());
        return new Minimiser(new Declared(PLAIN.provider().capabilities()),
                candidate -> result(candidate, fails.test(candidate.family().shape())))
                .minimise(result(kase, true));
    }

    private static CaseResult result(ConformanceCase kase, boolean failed) {
        return new CaseResult(kase, failed ? Outcome.FAILED : Outcome.PASSED, failed ? "[2.02] wrong" : "", 1,
                null);
    }

    @Test
    void whatDoesNotMatterGoes() {
        CaseResult smallest = shrunk(LARGE, shape -> true);
        assertEquals("2.02/g1-d1-p1-bf16-h1-q1-kv0/seed5", smallest.kase().name());
    }

    @Test
    void whatMattersStays() {
        CaseResult smallest = shrunk(LARGE, shape -> shape.spec().groupSize() >= 7
                && shape.spec().kvLayout() == KvLayout.HND
                && Arrays.stream(shape.kvLens()).anyMatch(len -> len > 64));
        assertEquals("2.02/g7-d1-p1-bf16-h1-hnd-q1-kv65/seed5", smallest.kase().name());
    }

    @Test
    void twoRequestsStayWhereOneIsRight() {
        CaseResult smallest = shrunk(LARGE,
                shape -> shape.kvLens().length >= 2 && Arrays.stream(shape.kvLens()).min().orElse(0) >= 17);
        assertEquals("2.02/g1-d1-p1-bf16-h1-q1x2-kv17x2/seed5", smallest.kase().name());
    }

    @Test
    void whatIsSmallestAlreadyStays() {
        CaseResult smallest = shrunk(LARGE, shape -> shape.name().length() > 1000);
        assertEquals(LARGE, smallest.kase().name());
    }

    @Test
    void aReportGetsItsSmallestCasesAndTheyRunByName() {
        ConformanceCase kase =
                ConformanceRun.cases(PLAIN, KitOptions.ofCase(LARGE), RuleBook.all()).getFirst();
        ConformanceReport report = new ConformanceReport("plain", "1", DeviceInfo.host(), KitOptions.DEFAULT,
                Map.of(), List.of(result(kase, true)));
        ConformanceReport with = SmallestCases.in(report, PLAIN,
                candidate -> result(candidate, candidate.family().shape().spec().causal()));
        CaseResult smallest = with.smallest().get(LARGE);
        assertTrue(smallest.kase().name().contains("-causal-"), smallest.kase()::name);
        ConformanceReport alone =
                ConformanceRun.run(PLAIN, KitOptions.ofCase(smallest.kase().name()), r -> {});
        assertEquals(List.of(smallest.kase().name()),
                alone.results().stream().map(r -> r.kase().name()).toList());
        assertTrue(alone.succeeded(), alone::verdict);
        assertSame(with.failures().getFirst().kase(), kase);
    }
}
