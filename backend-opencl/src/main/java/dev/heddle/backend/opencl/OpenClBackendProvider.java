package dev.heddle.backend.opencl;

import dev.heddle.backend.opencl.device.OpenClDevice;
import dev.heddle.backend.opencl.device.OpenClDevices;
import dev.heddle.core.Stable;
import dev.heddle.core.attention.Accuracy;
import dev.heddle.core.attention.Determinism;
import dev.heddle.core.attention.Feature;
import dev.heddle.core.attention.KvLayout;
import dev.heddle.core.attention.KvQuantisation;
import dev.heddle.core.attention.MaskKind;
import dev.heddle.core.attention.Strides;
import dev.heddle.core.capability.Capabilities;
import dev.heddle.core.capability.ColdStart;
import dev.heddle.core.capability.Concurrency;
import dev.heddle.core.capability.Dimension;
import dev.heddle.core.capability.DtypeTuple;
import dev.heddle.core.capability.HeadDims;
import dev.heddle.core.capability.IntRange;
import dev.heddle.core.capability.IntSet;
import dev.heddle.core.capability.Phase;
import dev.heddle.core.capability.Rejection;
import dev.heddle.core.capability.RejectionCode;
import dev.heddle.core.capability.WorkspaceBound;
import dev.heddle.core.spi.AttentionBackend;
import dev.heddle.core.spi.AttentionBackendProvider;
import dev.heddle.core.spi.Availability;
import dev.heddle.core.spi.BackendContext;
import dev.heddle.core.tensor.DataType;
import java.util.ArrayList;
import java.util.List;

/**
 * Decode and prefill on any device with OpenCL 1.2, for any group size: kernels are specialised when they are first
 * needed.
 *
 * @since 0.1
 */
@Stable
public final class OpenClBackendProvider implements AttentionBackendProvider {
    static final String ID = "opencl";

    private static final int HEAD_DIM_STEP = 8;
    private static final int ALIGNMENT = 8; // bytes: a step of head dims in the smallest type

    private static final Capabilities CAPABILITIES = Capabilities.builder()
            .groupSizes(IntSet.atLeast(1))
            .headDims(HeadDims.pairs(IntSet.multiplesOf(HEAD_DIM_STEP, KernelShape.MOST_DIM),
                    IntSet.multiplesOf(HEAD_DIM_STEP, KernelShape.MOST_DIM)))
            .pageSizes(IntSet.atLeast(1))
            .qoLen(IntRange.atLeast(0))
            .kvLen(IntRange.of(0, WorkSchedule.MOST_KV_LEN))
            .batchSize(IntRange.atLeast(0))
            .dtypes(dtypes())
            .kvQuantisations(KvQuantisation.values())
            .kvLayouts(KvLayout.values())
            .strides(Strides.STRIDED)
            .alignment(ALIGNMENT)
            .memorySpaces(OpenClDevice.SPACE_KIND)
            .masks(MaskKind.NONE, MaskKind.CAUSAL, MaskKind.WINDOW)
            .features(Feature.values())
            .determinism(Determinism.BATCH_INVARIANT)
            .accuracy(Accuracy.DTYPE)
            .concurrency(Concurrency.CONCURRENT)
            .async(true)
            .workspace(new WorkspaceBound(WorkSchedule.MOST_WORKSPACE, 0, 0))
            .coldStart(ColdStart.CACHED)
            .build();

    /** Makes the provider; called by {@link java.util.ServiceLoader}. */
    public OpenClBackendProvider() {}

    private static List<DtypeTuple> dtypes() {
        List<DtypeTuple> tuples = new ArrayList<>();
        for (DataType q : List.of(DataType.F32, DataType.F16, DataType.BF16)) {
            for (DataType kv : DataType.values()) {
                tuples.add(DtypeTuple.of(q, kv));
                if (q != DataType.F32) {
                    tuples.add(new DtypeTuple(q, kv, kv, DataType.F32));
                }
            }
        }
        return tuples;
    }

    @Override
    public String id() {
        return ID;
    }

    @Override
    public Capabilities capabilities() {
        return CAPABILITIES;
    }

    @Override
    public Availability probe() {
        return switch (OpenClDevices.probe()) {
            case OpenClDevices.Probe.Found(List<OpenClDevice> devices, var unusable) ->
                new Availability.Available(devices.stream().map(OpenClDevice::info).toList());
            case OpenClDevices.Probe.Absent(var problems) ->
                new Availability.Unavailable(
                        problems.stream().map(OpenClBackendProvider::rejection).toList());
        };
    }

    private static Rejection rejection(OpenClDevices.Problem problem) {
        return Rejection.failure(ID, RejectionCode.DEVICE_UNAVAILABLE, Phase.DISCOVERY, Dimension.DEVICE,
                problem.problem(), problem.remedy(), problem.cause());
    }

    @Override
    public AttentionBackend open(BackendContext context) {
        return new OpenClBackend(context);
    }
}
