package dev.heddle.backend.cpu;

import dev.heddle.backend.cpu.ffm.NativeKernels;
import dev.heddle.backend.cpu.ffm.NoKernelsException;
import dev.heddle.core.Stable;
import dev.heddle.core.capability.Capabilities;
import dev.heddle.core.capability.Dimension;
import dev.heddle.core.capability.Phase;
import dev.heddle.core.capability.Rejection;
import dev.heddle.core.capability.RejectionCode;
import dev.heddle.core.spi.AttentionBackend;
import dev.heddle.core.spi.AttentionBackendProvider;
import dev.heddle.core.spi.Availability;
import dev.heddle.core.spi.BackendContext;
import dev.heddle.core.spi.DeviceInfo;
import java.util.List;

/**
 * Attention on the CPU with its kernels in C, for x86-64 Linux. Schedule, merge and results are those of backend cpu, but
 * for the last bits.
 *
 * @since 0.1
 */
@Stable
public final class CpuNativeBackendProvider implements AttentionBackendProvider {
    /** Makes the provider; called by {@link java.util.ServiceLoader}. */
    public CpuNativeBackendProvider() {}

    @Override
    public String id() {
        return "cpu-native";
    }

    @Override
    public Capabilities capabilities() {
        return CpuBackendProvider.CAPABILITIES;
    }

    @Override
    public Availability probe() {
        try {
            DeviceInfo host = DeviceInfo.host();
            String arch = host.arch() + ", C for " + NativeKernels.get().instructionSet().id();
            return new Availability.Available(List.of(new DeviceInfo(host.space(), host.name(), arch,
                    host.memoryBytes(), host.driver())));
        } catch (NoKernelsException e) {
            return new Availability.Unavailable(
                    List.of(Rejection.failure(id(), RejectionCode.DEVICE_UNAVAILABLE,
                            Phase.DISCOVERY, Dimension.DEVICE, e.problem(), e.remedy(), null)));
        }
    }

    @Override
    public AttentionBackend open(BackendContext context) {
        NativeKernels.get();
        return new CpuBackend(context, true);
    }
}
