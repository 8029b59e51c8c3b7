package dev.heddle.conformance.rules.chapter1;

import dev.heddle.core.capability.Capabilities;
import dev.heddle.core.capability.IntSet;
import dev.heddle.core.spi.AttentionBackend;
import dev.heddle.core.spi.AttentionBackendProvider;
import dev.heddle.core.spi.Availability;
import dev.heddle.core.spi.BackendContext;
import dev.heddle.core.tensor.DataType;
import java.util.Locale;

/** A neighbour that throws at one place of its description. */
final class BrokenProvider implements AttentionBackendProvider {
    static final String ROOT_CAUSE = "libabsent.so.1: no such library";

    /** Where it throws. */
    enum Fault {
        ID, SPI_VERSION, VERSION, CAPABILITIES, PROBE;

        String shapeName() {
            return name().toLowerCase(Locale.ROOT).replace('_', '.');
        }
    }

    private final String id;
    private final Fault fault;

    BrokenProvider(String id, Fault fault) {
        this.id = id;
        this.fault = fault;
    }

    private void maybe(Fault place) {
        if (fault == place) {
            UnsatisfiedLinkError root = new UnsatisfiedLinkError(ROOT_CAUSE);
            // Both kinds: providers throw exceptions, the VM throws linkage errors.
            if (place.ordinal() % 2 == 0) {
                throw new IllegalStateException("initialisation failed", root);
            }
            throw root;
        }
    }

    @Override
    public String id() {
        maybe(Fault.ID);
        return id;
    }

    @Override
    public int spiVersion() {
        maybe(Fault.SPI_VERSION);
        return 1;
    }

    @Override
    public String version() {
        maybe(Fault.VERSION);
        return "1";
    }

    @Override
    public Capabilities capabilities() {
        maybe(Fault.CAPABILITIES);
        return Capabilities.builder().groupSizes(IntSet.of(1)).headDims(128).dtypes(DataType.F32).build();
    }

    @Override
    public Availability probe() {
        maybe(Fault.PROBE);
        return Availability.onHost();
    }

    @Override
    public AttentionBackend open(BackendContext context) {
        throw new IllegalStateException(ROOT_CAUSE);
    }
}
