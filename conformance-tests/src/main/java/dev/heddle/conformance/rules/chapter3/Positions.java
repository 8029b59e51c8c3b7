package dev.heddle.conformance.rules.chapter3;

import dev.heddle.conformance.ConformanceCase;
import dev.heddle.conformance.KitOptions;
import dev.heddle.conformance.Rule;
import dev.heddle.conformance.Subject;
import dev.heddle.conformance.declared.Declared;
import dev.heddle.conformance.declared.Shape;
import dev.heddle.conformance.input.Request;
import dev.heddle.conformance.rules.support.Cases;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.AttentionSpecBuilder;
import dev.heddle.core.attention.MaskKind;
import java.util.List;

/** 3.05: bottom-right alignment, windows, rows that see nothing. */
final class Positions implements Rule {
    @Override
    public String id() {
        return "3.05";
    }

    @Override
    public String claim() {
        return "Query row r sits at position kv_len - qo_len + r; causal and window_left count from there; a row that sees nothing is zero with LSE -infinity";
    }

    @Override
    public List<ConformanceCase> cases(Subject subject, KitOptions options) {
        Declared declared = new Declared(subject.provider().capabilities());
        Cases cases = new Cases(id(), declared, options);

        if (declared.has(MaskKind.CAUSAL)) {
            AttentionSpec causal = unmasked(declared).causal(true).build();
            add(cases, declared, "causal", causal, new int[]{4, 17, 33}, new int[]{75, 17, 90});
            add(cases, declared, "causal-decode", causal, new int[]{1, 1}, new int[]{75, 18});
            add(cases, declared, "causal-longer-query", causal, new int[]{9, 5, 3}, new int[]{4, 1, 0});
        } else {
            cases.notDeclared("causal", "mask CAUSAL is not declared");
        }
        if (declared.has(MaskKind.WINDOW)) {
            for (int window : new int[]{0, 1, 15, 64, 1000}) {
                AttentionSpec spec = unmasked(declared).windowLeft(window).build();
                add(cases, declared, "window", spec, new int[]{1, 6, 20}, new int[]{90, 40, 20});
                add(cases, declared, "window-longer-query", spec, new int[]{9, 5, 3}, new int[]{4, 1, 0});
            }
            if (declared.has(MaskKind.CAUSAL)) {
                for (int window : new int[]{0, 7, 63}) {
                    AttentionSpec spec = unmasked(declared).causal(true).windowLeft(window).build();
                    add(cases, declared, "causal-window", spec, new int[]{1, 6, 33}, new int[]{90, 40, 20});
                }
            }
        } else {
            cases.notDeclared("window", "mask WINDOW is not declared");
        }
        if (declared.has(MaskKind.CUSTOM)) {
            AttentionSpec custom = unmasked(declared).customMask(true).build();
            add(cases, declared, "custom", custom, new int[]{1, 6, 20}, new int[]{90, 40, 20});
            Shape shape = Cases.shape(declared, custom, new int[]{2, 3}, new int[]{40, 33});
            cases.shaped("custom-sees-nothing-", shape, s -> kit -> {
                Request request =
                        Cases.builder(declared, s, kit.seed()).mask((i, row, key) -> i == 0).build();
                kit.check(request);
            });
        } else {
            cases.notDeclared("custom", "mask CUSTOM is not declared");
        }
        return cases.orNotDeclared("no mask is declared");
    }

    private static AttentionSpecBuilder unmasked(Declared declared) {
        return declared.base().causal(false).windowLeft(-1).customMask(false);
    }

    private static void add(
            Cases cases, Declared declared, String name, AttentionSpec spec, int[] qoLens, int[] kvLens) {
        cases.check(name + "-", Cases.shape(declared, spec, qoLens, kvLens),
                "row r sits at kv_len - qo_len + r");
    }
}
