package dev.heddle.conformance.shrink;

import dev.heddle.conformance.declared.Declared;
import dev.heddle.conformance.declared.Shape;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.AttentionSpecBuilder;
import dev.heddle.core.attention.Determinism;
import dev.heddle.core.attention.KvQuantisation;
import dev.heddle.core.attention.Strides;
import dev.heddle.core.capability.DtypeTuple;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/** Shapes one step smaller or plainer than a shape, the largest steps first. Every step shrinks a number or turns off. */
final class Smaller {
    private final Declared declared;
    private final Shape from;
    private final AttentionSpec spec;
    private final int[] qoLens;
    private final int[] kvLens;
    private final List<Shape> found = new ArrayList<>();

    private Smaller(Declared declared, Shape from) {
        this.declared = declared;
        this.from = from;
        this.spec = from.spec();
        this.kvLens = from.kvLens();
        this.qoLens = new int[kvLens.length];
        Arrays.setAll(qoLens, i -> from.qoLens()[i % from.qoLens().length]);
    }

    /** Returns those that the declaration contains. */
    static List<Shape> than(Shape shape, Declared declared) {
        Smaller smaller = new Smaller(declared, shape);
        smaller.requests();
        smaller.switches();
        smaller.sizes();
        smaller.lengths();
        return smaller.found.stream().filter(declared::supports).toList();
    }

    private void requests() {
        for (int i = 0; kvLens.length > 1 && i < kvLens.length; i++) {
            found.add(new Shape(spec, new int[]{qoLens[i]}, new int[]{kvLens[i]}));
        }
        for (int i = 0; kvLens.length > 2 && i < kvLens.length; i++) {
            int without = i;
            int[] kept = IntStream.range(0, kvLens.length).filter(at -> at != without).toArray();
            found.add(new Shape(spec, pick(qoLens, kept), pick(kvLens, kept)));
        }
    }

    private static int[] pick(int[] values, int[] at) {
        return Arrays.stream(at).map(i -> values[i]).toArray();
    }

    private void switches() {
        add(spec.strides() != Strides.DENSE, change().strides(Strides.DENSE));
        add(spec.kvLayout() != declared.layouts().getFirst(),
                change().kvLayout(declared.layouts().getFirst()));
        add(spec.customMask(), change().customMask(false));
        add(spec.windowLeft() >= 0, change().windowLeft(-1));
        add(spec.causal(), change().causal(false));
        add(spec.alibi(), change().alibi(false));
        add(spec.sinks(), change().sinks(false));
        add(spec.logitsSoftCap() > 0, change().logitsSoftCap(0));
        add(spec.determinism() != Determinism.NONE, change().determinism(Determinism.NONE));
        add(spec.smScale() != (float) (1 / Math.sqrt(spec.headDimQk())),
                change().smScale((float) (1 / Math.sqrt(spec.headDimQk()))));
        add(spec.kvQuantisation() == KvQuantisation.PER_HEAD,
                change().kvQuantisation(KvQuantisation.PER_TENSOR));
        add(spec.kvQuantisation() != KvQuantisation.NONE, change().kvQuantisation(KvQuantisation.NONE));
        DtypeTuple mine = new DtypeTuple(spec.qDtype(), spec.kDtype(), spec.vDtype(), spec.outDtype());
        for (DtypeTuple plainer : declared.dtypes()) {
            if (plainer.equals(mine)) {
                break; // the first are the plainest
            }
            add(true, change().dtype(plainer.q()).kvDtype(plainer.k(), plainer.v()).outDtype(plainer.out()));
        }
    }

    private void sizes() {
        for (int group : below(spec.groupSize(), 1)) {
            add(true, change().numQoHeads(group * spec.numKvHeads()));
        }
        for (int heads : below(spec.numKvHeads(), 1)) {
            add(true, change().numKvHeads(heads).numQoHeads(heads * spec.groupSize()));
        }
        for (int page : below(spec.pageSize(), 1)) {
            add(true, change().pageSize(page));
        }
        Set<List<Integer>> dims = new LinkedHashSet<>();
        declared.headDims().forEach(d -> dims.add(List.of(d[0], d[1])));
        below(spec.headDimQk(), 1).forEach(d -> dims.add(List.of(d, d)));
        for (int multiple : new int[]{8, 16, 32, 64}) {
            dims.add(List.of(multiple, multiple));
        }
        dims.stream()
                .filter(d -> d.get(0) <= spec.headDimQk() && d.get(1) <= spec.headDimVo()
                        && d.get(0) + d.get(1) < spec.headDimQk() + spec.headDimVo())
                .sorted((a, b) -> a.get(0) + a.get(1) - b.get(0) - b.get(1))
                .forEach(d -> add(true, dims(d.get(0), d.get(1))));
        below(spec.windowLeft(), 0).forEach(window -> add(true, change().windowLeft(window)));
    }

    /** A usual scale stays the usual one of the new size. */
    private AttentionSpecBuilder dims(int qk, int vo) {
        boolean usual = spec.smScale() == (float) (1 / Math.sqrt(spec.headDimQk()));
        AttentionSpecBuilder builder = change().headDim(qk, vo);
        return usual ? builder.smScale((float) (1 / Math.sqrt(qk))) : builder;
    }

    private void lengths() {
        for (int i = 0; i < kvLens.length; i++) {
            for (int len : below(kvLens[i], 0)) {
                found.add(new Shape(spec, qoLens, with(kvLens, i, len)));
            }
            for (int len : below(qoLens[i], 1)) {
                found.add(new Shape(spec, with(qoLens, i, len), kvLens));
            }
        }
    }

    private static int[] with(int[] values, int at, int value) {
        int[] copy = values.clone();
        copy[at] = value;
        return copy;
    }

    /** Returns numbers below one: the least, a half, one less. */
    private static Set<Integer> below(int value, int least) {
        Set<Integer> smaller = new LinkedHashSet<>();
        for (int candidate : new int[]{least, least + 1, value / 2, value * 3 / 4, value - 1}) {
            if (candidate >= least && candidate < value) {
                smaller.add(candidate);
            }
        }
        return smaller;
    }

    private AttentionSpecBuilder change() {
        return spec.toBuilder();
    }

    private void add(boolean smaller, AttentionSpecBuilder builder) {
        if (smaller) {
            found.add(new Shape(builder.build(), from.qoLens(), kvLens));
        }
    }
}
