package dev.heddle.conformance.rules.chapter2;

import dev.heddle.conformance.ConformanceCase;
import dev.heddle.conformance.ConformanceFailure;
import dev.heddle.conformance.Kit;
import dev.heddle.conformance.KitOptions;
import dev.heddle.conformance.Rule;
import dev.heddle.conformance.Subject;
import dev.heddle.conformance.declared.Declared;
import dev.heddle.conformance.declared.Neighbour;
import dev.heddle.conformance.declared.Neighbours;
import dev.heddle.conformance.input.RequestBuilder;
import dev.heddle.conformance.rules.support.Cases;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.AttentionSpecBuilder;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.Feature;
import dev.heddle.core.attention.KvLayout;
import dev.heddle.core.attention.PlanOptions;
import dev.heddle.core.capability.Capabilities;
import dev.heddle.core.capability.Dimension;
import dev.heddle.core.capability.DtypeTuple;
import dev.heddle.core.capability.Rejection;
import dev.heddle.core.capability.Support;
import dev.heddle.core.tensor.DataType;
import dev.heddle.core.tensor.MemorySpaceId;
import java.util.EnumSet;
import java.util.List;

/** 2.04: the whole list, so that nobody repairs one reason after another. */
final class AllReasonsAtOnce implements Rule {
    @Override
    public String id() {
        return "2.04";
    }

    @Override
    public String claim() {
        return "All failing dimensions are reported at once";
    }

    @Override
    public List<ConformanceCase> cases(Subject subject, KitOptions options) {
        Declared declared = new Declared(subject.provider().capabilities());
        List<Neighbour> neighbours = Neighbours.of(declared);
        Cases cases = new Cases(id(), declared, options);
        // Each neighbour also asks for memory that does not exist: two reasons at least, of which none may be lost.
        for (Neighbour neighbour : neighbours) {
            if (neighbour.dimension() != Dimension.MEMORY_SPACE) {
                cases.plain(neighbour.name() + "-elsewhere", kit -> both(kit, neighbour));
            }
        }
        cases.plain("many", kit -> many(kit, declared));
        return cases.orNotDeclared("everything is declared");
    }

    private static void both(Kit kit, Neighbour neighbour) {
        PlanOptions near = neighbour.options();
        PlanOptions elsewhere = new PlanOptions(
                MemorySpaceId.parse("elsewhere:0"), null, near.kvSplits(), near.partial(), near.capture());
        require(kit.subject().house().asking().support(kit.session(), neighbour.spec(), neighbour.batch(),
                elsewhere),
                EnumSet.of(neighbour.dimension(), Dimension.MEMORY_SPACE));
    }

    /** Leaves as many dimensions at once as the declaration lets one request leave. */
    private static void many(Kit kit, Declared declared) {
        Capabilities can = declared.capabilities();
        AttentionSpecBuilder builder = declared.base();
        EnumSet<Dimension> left = EnumSet.of(Dimension.MEMORY_SPACE);
        PlanOptions options = PlanOptions.in(MemorySpaceId.parse("elsewhere:0"));
        for (KvLayout layout : KvLayout.values()) {
            if (!can.kvLayouts().contains(layout)) {
                builder.kvLayout(layout);
                left.add(Dimension.KV_LAYOUT);
            }
        }
        if (!can.headDims().stream().anyMatch(d -> d.contains(4099, 4099))) {
            builder.headDim(4099);
            left.add(Dimension.HEAD_DIM);
        }
        if (!can.dtypes()
                .contains(new DtypeTuple(DataType.INT8, DataType.F16, DataType.BF16, DataType.INT8))) {
            builder.dtype(DataType.INT8).kvDtype(DataType.F16, DataType.BF16).outDtype(DataType.INT8);
            left.add(Dimension.DTYPE);
        }
        if (!can.capture()) {
            options = options.forCapture();
            left.add(Dimension.CAPTURE);
        }
        if (!declared.has(Feature.PARTIAL)) {
            options = options.asPartial();
            left.add(Dimension.FEATURE);
        }
        AttentionSpec spec = builder.build();
        BatchShape batch = RequestBuilder.of(spec)
                .qoLens(declared.qoLens(1)).kvLens(declared.kvLens(33)).batchOnly();
        require(kit.subject().house().asking().support(kit.session(), spec, batch, options), left);
    }

    private static void require(Support support, EnumSet<Dimension> wanted) {
        EnumSet<Dimension> missing = wanted.clone();
        support.rejections().forEach(r -> missing.remove(r.dimension()));
        if (!missing.isEmpty()) {
            throw new ConformanceFailure(
                    "a request that fails in " + wanted + " must be rejected for each of them at"
                            + " once; missing " + missing + ", got "
                            + support.rejections().stream().map(Rejection::message).toList());
        }
    }
}
