package dev.heddle.conformance.declared;

import dev.heddle.conformance.input.RequestBuilder;
import dev.heddle.core.Evolving;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.AttentionSpecBuilder;
import dev.heddle.core.attention.Determinism;
import dev.heddle.core.attention.Feature;
import dev.heddle.core.attention.KvLayout;
import dev.heddle.core.attention.KvQuantisation;
import dev.heddle.core.attention.MaskKind;
import dev.heddle.core.attention.PlanOptions;
import dev.heddle.core.attention.Strides;
import dev.heddle.core.capability.Capabilities;
import dev.heddle.core.capability.DtypeTuple;
import dev.heddle.core.tensor.MemorySpaceId;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.IntStream;

/**
 * Sample values of each dimension of a declaration, the usual value first, and specs made of them.
 *
 * @since 0.1
 */
@Evolving
public final class Declared {
    private static final int MOST_KV_TOKENS = 700;

    private final Capabilities can;
    private final List<Integer> groupSizes;
    private final List<Integer> pageSizes;
    private final List<int[]> headDims;
    private final List<DtypeTuple> dtypes;

    /**
     * Takes samples of a declaration.
     *
     * @throws IllegalArgumentException if a dimension has no member, so that nothing can be run
     */
    public Declared(Capabilities can) {
        requireMembers("dtypes", can.dtypes());
        requireMembers("head dims", can.headDims());
        requireMembers("KV layouts", can.kvLayouts());
        requireMembers("KV quantisations", can.kvQuantisations());
        requireMembers("memory spaces", can.memorySpaces());
        requireMembers("masks", can.masks());
        this.can = can;
        this.groupSizes = Samples.groups(can.groupSizes());
        this.pageSizes = Samples.pages(can.pageSizes());
        this.headDims = Samples.headDims(can);
        List<DtypeTuple> types = new ArrayList<>(can.dtypes());
        types.sort((a, b) -> Boolean.compare(
                a.k().isQuantised() || a.v().isQuantised(), b.k().isQuantised() || b.v().isQuantised()));
        this.dtypes = List.copyOf(types);
    }

    private static void requireMembers(String name, Collection<?> members) {
        if (members.isEmpty()) {
            throw new IllegalArgumentException("the declaration is empty: " + name
                    + " has no member, so that nothing can be run; declare what the backend can");
        }
    }

    /** Returns the declaration. */
    public Capabilities capabilities() {
        return can;
    }

    /** Returns group sizes. */
    public List<Integer> groupSizes() {
        return groupSizes;
    }

    /** Returns page sizes. */
    public List<Integer> pageSizes() {
        return pageSizes;
    }

    /** Returns pairs {@code [2]} of head dims: Q and K, V and out. */
    public List<int[]> headDims() {
        return headDims;
    }

    /** Returns all dtype tuples, those without 8-bit types first. */
    public List<DtypeTuple> dtypes() {
        return dtypes;
    }

    /** Returns the first dtype tuple whose KV types can hold NaN and are not quantised, or the first of all. */
    public DtypeTuple plainDtype() {
        return dtypes.getFirst();
    }

    /** Returns KV scalings. */
    public List<KvQuantisation> quantisations() {
        return List.copyOf(can.kvQuantisations());
    }

    /** Returns layouts. */
    public List<KvLayout> layouts() {
        return List.copyOf(can.kvLayouts());
    }

    /** Returns stride classes. */
    public List<Strides> strides() {
        return can.strides() == Strides.STRIDED ? List.of(Strides.DENSE, Strides.STRIDED)
                : List.of(Strides.DENSE);
    }

    /** Returns levels of determinism, none first. */
    public List<Determinism> determinism() {
        return Arrays.stream(Determinism.values())
                .filter(level -> level.compareTo(can.determinism()) <= 0)
                .toList();
    }

    /** Returns combinations of masks. */
    public List<Set<MaskKind>> masks() {
        List<Set<MaskKind>> all = List.of(
                Set.of(MaskKind.CAUSAL),
                Set.of(MaskKind.NONE),
                Set.of(MaskKind.WINDOW),
                Set.of(MaskKind.CAUSAL, MaskKind.WINDOW),
                Set.of(MaskKind.CUSTOM),
                Set.of(MaskKind.CAUSAL, MaskKind.CUSTOM));
        return all.stream().filter(can.masks()::containsAll).toList();
    }

    /** Returns whether a mask is declared. */
    public boolean has(MaskKind mask) {
        return can.masks().contains(mask);
    }

    /** Returns whether a feature is declared. */
    public boolean has(Feature feature) {
        return can.features().contains(feature);
    }

    /** Returns values of a feature's switch: off, and on where declared. */
    public List<Boolean> switchOf(Feature feature) {
        return has(feature) ? List.of(false, true) : List.of(false);
    }

    /** Returns the smallest declared number of KV heads that is at least so many, or the nearest below. */
    public int kvHeads(int wanted) {
        return IntStream.rangeClosed(wanted, wanted + 64)
                .filter(can.kvHeads()::contains)
                .findFirst()
                .orElseGet(() -> IntStream.iterate(wanted, h -> h > 0, h -> h - 1)
                        .filter(can.kvHeads()::contains)
                        .findFirst()
                        .orElse(can.kvHeads().min()));
    }

    /** Returns query lengths moved into the declared range. */
    public int[] qoLens(int... lens) {
        return moved(lens, can.qoLen().min(), can.qoLen().max());
    }

    /** Returns KV lengths moved into the declared range. */
    public int[] kvLens(int... lens) {
        return moved(lens, can.kvLen().min(), can.kvLen().max());
    }

    private int[] moved(int[] lens, int min, int max) {
        int batch = Math.clamp(lens.length, can.batchSize().min(), can.batchSize().max());
        int[] result = new int[batch];
        Arrays.setAll(result, i -> Math.clamp(lens[i % lens.length], min, max));
        return result;
    }

    /** Returns whether requests of several query rows are declared. */
    public boolean prefill() {
        return can.qoLen().max() > 1;
    }

    /** Returns the largest KV length worth running. */
    public int longKvLen() {
        return Math.clamp(can.kvLen().max(), 1, MOST_KV_TOKENS);
    }

    /** Starts a spec of the usual declared values: first group size, head dim, page size, dtype, layout. */
    public AttentionSpecBuilder base() {
        return base(plainDtype());
    }

    /** As {@link #base()}, with a dtype tuple. */
    public AttentionSpecBuilder base(DtypeTuple dtype) {
        return builder(groupSizes.getFirst(), kvHeads(2), headDims.getFirst(), pageSizes.getFirst(), dtype);
    }

    /** Starts a spec; what is not given is the least that is declared. */
    public AttentionSpecBuilder builder(int group, int kvHeads, int[] dims, int pageSize, DtypeTuple dtype) {
        AttentionSpecBuilder builder = AttentionSpec.builder()
                .numQoHeads(group * kvHeads)
                .numKvHeads(kvHeads)
                .headDim(dims[0], dims[1])
                .dtype(dtype.q())
                .kvDtype(dtype.k(), dtype.v())
                .outDtype(dtype.out())
                .pageSize(pageSize)
                .kvLayout(layouts().getFirst())
                .accuracy(can.accuracy())
                .lse(has(Feature.LSE));
        boolean quantised = dtype.k().isQuantised() || dtype.v().isQuantised();
        KvQuantisation usual = quantised ? KvQuantisation.PER_TENSOR : KvQuantisation.NONE;
        builder.kvQuantisation(can.kvQuantisations().contains(usual) ? usual : quantisations().getFirst());
        return has(MaskKind.NONE) ? builder : withMask(builder, masks().getFirst(), 50);
    }

    /** Adds a combination of masks to a spec. */
    public static AttentionSpecBuilder withMask(AttentionSpecBuilder builder, Set<MaskKind> masks,
            int window) {
        return builder.causal(masks.contains(MaskKind.CAUSAL))
                .windowLeft(masks.contains(MaskKind.WINDOW) ? window : -1)
                .customMask(masks.contains(MaskKind.CUSTOM));
    }

    /** Returns a dtype tuple that satisfies a condition, if there is one. */
    public Optional<DtypeTuple> dtype(Predicate<DtypeTuple> condition) {
        return dtypes.stream().filter(condition).findFirst();
    }

    /** Returns whether the head rows of a spec keep the declared alignment; other specs cannot be placed densely. */
    public boolean aligned(AttentionSpec spec) {
        int alignment = can.alignment();
        return spec.headDimQk() * spec.qDtype().byteSize() % alignment == 0
                && spec.headDimQk() * spec.kDtype().byteSize() % alignment == 0
                && spec.headDimVo() * spec.vDtype().byteSize() % alignment == 0
                && spec.headDimVo() * spec.outDtype().byteSize() % alignment == 0;
    }

    /** Returns whether the declaration contains a shape: dimensions, lengths and alignment. */
    public boolean supports(Shape shape) {
        return can.evaluate("", shape.spec(),
                RequestBuilder.of(shape.spec()).qoLens(shape.qoLens()).kvLens(shape.kvLens()).batchOnly(),
                PlanOptions.in(new MemorySpaceId(can.memorySpaces().iterator().next(), 0)))
                .isSupported() && aligned(shape.spec());
    }
}
