package dev.heddle.planner;

import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.spi.CostProfile;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A roofline (Williams, Waterman, Patterson, CACM 2009) with the fixed costs beside it. Reads each byte of K and V
 * once per KV head; counts a multiply-add as two operations.
 */
final class CostModel {
    private CostModel() {}

    /** Returns the terms in microseconds by name, in the order in which they are shown. */
    static Map<String, Double> terms(CostProfile profile, AttentionSpec spec, BatchShape batch) {
        long tokensRead = 0;
        double pairs = 0;
        long units = 0;
        long sequences = 0;
        for (int i = 0; i < batch.batchSize(); i++) {
            long kvLen = batch.kvLen(i);
            long qoLen = batch.qoLen(i);
            if (kvLen == 0 || qoLen == 0) {
                continue;
            }
            long read = spec.windowLeft() < 0 ? kvLen : Math.min(kvLen, spec.windowLeft() + qoLen);
            tokensRead += read;
            pairs += visiblePairs(spec, qoLen, kvLen);
            units += spec.numKvHeads() * Math.ceilDiv(read, profile.minTokensPerUnit());
            sequences += spec.numKvHeads();
        }
        double bytes = (double) tokensRead * spec.kvBytesPerToken();
        double flops = 2 * pairs * spec.numQoHeads() * (spec.headDimQk() + spec.headDimVo());
        double read = bytes / (profile.readGbytesPerSecond() * 1e3);
        double compute = flops / (profile.gflops(spec.kDtype()) * 1e3);
        double waves = Math.ceilDiv(units, profile.parallelUnits());
        double idle = units == 0 ? 0 : waves * profile.parallelUnits() / units - 1;
        Map<String, Double> terms = new LinkedHashMap<>();
        terms.put("kv_read", read);
        terms.put("flops", compute);
        terms.put("occupancy", idle * Math.max(read, compute));
        terms.put("launch", profile.launchMicros());
        terms.put("merge", units > sequences ? profile.mergeMicros() : 0.0);
        terms.put("plan", profile.planMicros() + profile.planMicrosPerRequest() * batch.batchSize());
        terms.put("cold", profile.coldMicros());
        return terms;
    }

    /** Returns the estimate: of reading and computing the longer, and everything else. */
    static double total(Map<String, Double> terms) {
        double sum = 0;
        for (double term : terms.values()) {
            sum += term;
        }
        double estimate = sum - Math.min(terms.get("kv_read"), terms.get("flops"));
        // Constants that make no sense put a backend last; they do not make it unable.
        return Double.isFinite(estimate) ? estimate : Double.MAX_VALUE;
    }

    private static double visiblePairs(AttentionSpec spec, long qoLen, long kvLen) {
        double pairs = (double) qoLen * kvLen;
        if (spec.causal()) {
            long seeing = Math.min(qoLen, kvLen); // rows before the first key see nothing
            pairs = seeing * (kvLen - (seeing - 1) / 2.0);
        }
        return spec.windowLeft() < 0 ? pairs
                : Math.min(pairs, qoLen * (spec.windowLeft() + 1.0 + (spec.causal() ? 0 : qoLen)));
    }
}
