package dev.heddle.core.session;

import dev.heddle.core.Stable;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.PlanOptions;
import dev.heddle.core.capability.Capabilities;
import dev.heddle.core.capability.Concurrency;
import dev.heddle.core.capability.Phase;
import dev.heddle.core.capability.Rejection;
import dev.heddle.core.capability.Support;
import dev.heddle.core.capability.UnsupportedRequestException;
import dev.heddle.core.spi.AttentionBackend;
import dev.heddle.core.spi.AttentionBackendProvider;
import dev.heddle.core.spi.BackendContext;
import dev.heddle.core.spi.BackendPlan;
import dev.heddle.core.spi.CostProfile;
import dev.heddle.core.spi.DeviceInfo;
import dev.heddle.core.tensor.MemorySpace;
import dev.heddle.core.tensor.OutOfDeviceMemoryException;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.DoubleConsumer;

/**
 * An opened backend as callers use it: what the provider did not declare never reaches it. May be used from any
 * thread.
 *
 * @since 0.1
 */
@Stable
public final class BackendSession implements AutoCloseable {
    private final String id;
    private final String version;
    private final DeviceInfo device;
    private final Capabilities capabilities;
    private final AttentionBackend backend;
    private final Set<SessionPlan> plans = ConcurrentHashMap.newKeySet();
    private final ReentrantLock lock = new ReentrantLock(); // orders plan, refine and close
    private final ReentrantLock runLock = new ReentrantLock(); // held by every run of a serial backend
    private volatile boolean closed;

    private BackendSession(AttentionBackendProvider provider, DeviceInfo device, AttentionBackend backend) {
        this.id = provider.id();
        this.version = provider.version();
        this.capabilities = provider.capabilities();
        this.device = device;
        this.backend = backend;
    }

    /**
     * Opens a provider.
     *
     * @param context the caller's resources, which must outlive the session
     * @throws BackendFailureException if the backend cannot be opened
     */
    public static BackendSession open(AttentionBackendProvider provider, BackendContext context) {
        AttentionBackend backend = null;
        try {
            backend = provider.open(context);
            backend.memorySpace().id(); // a backend without its memory is not open
            return new BackendSession(provider, context.device(), backend);
        } catch (RuntimeException | LinkageError | AssertionError e) {
            if (backend != null) {
                try {
                    backend.close();
                } catch (RuntimeException | LinkageError | AssertionError second) {
                    e.addSuppressed(second);
                }
            }
            throw new BackendFailureException(provider.id(), Phase.DISCOVERY, e);
        }
    }

    /** Returns the backend's id. */
    public String id() {
        return id;
    }

    /** Returns the backend's version. */
    public String version() {
        return version;
    }

    /** Returns the device that was opened. */
    public DeviceInfo device() {
        return device;
    }

    /** Returns the declaration. */
    public Capabilities capabilities() {
        return capabilities;
    }

    /** Returns the memory that q, out and KV caches must lie in. */
    public MemorySpace memorySpace() {
        requireOpen();
        return backend.memorySpace();
    }

    /** Returns the shipped constants of the cost model. */
    public CostProfile costProfile() {
        requireOpen();
        return backend.costProfile();
    }

    /**
     * Lets the backend measure choices of its own and keep the best.
     *
     * @param progress told the share done, 0 … 1
     * @throws BackendFailureException if the backend fails
     */
    public void tune(DoubleConsumer progress) {
        requireOpen();
        try {
            backend.tune(progress);
        } catch (RuntimeException | LinkageError | AssertionError e) {
            throw new BackendFailureException(id, Phase.PLAN, e);
        }
    }

    /**
     * Says whether a request can run, and if not, every reason. A pure function of declaration, device and request.
     */
    public Support support(AttentionSpec spec, BatchShape batch, PlanOptions options) {
        requireOpen();
        Support support = capabilities.evaluate(id, spec, batch, options);
        if (!support.isSupported()) {
            return support; // refine expects declared requests only, and could only add reasons
        }
        try {
            List<Rejection> refined = backend.refine(spec, batch, options);
            return refined.isEmpty() ? support : new Support.Unsupported(refined);
        } catch (RuntimeException | LinkageError | AssertionError e) {
            throw new BackendFailureException(id, Phase.REFINE, e);
        }
    }

    /**
     * Makes a plan.
     *
     * @return a plan that the caller closes; closing the session closes it too
     * @throws UnsupportedRequestException with every reason, if the request was not declared
     * @throws OutOfDeviceMemoryException if there is no room for the schedule; the backend is as good as before
     * @throws BackendFailureException if the backend fails at what it declared
     * @throws IllegalStateException if this session is closed
     */
    public SessionPlan plan(AttentionSpec spec, BatchShape batch, PlanOptions options) {
        Support support = support(spec, batch, options);
        if (support instanceof Support.Unsupported(List<Rejection> rejections)) {
            throw new UnsupportedRequestException("backend " + id + " cannot run " + spec, rejections);
        }
        lock.lock();
        try {
            requireOpen();
            BackendPlan plan = backend.plan(spec, batch, options);
            ReentrantLock order =
                    capabilities.concurrency() == Concurrency.SERIAL ? runLock : new ReentrantLock();
            SessionPlan result = new SessionPlan(this, plan, spec, batch, options, order);
            plans.add(result);
            return result;
        } catch (OutOfDeviceMemoryException e) {
            throw e;
        } catch (IllegalStateException e) {
            if (closed) {
                throw e;
            }
            throw new BackendFailureException(id, Phase.PLAN, e);
        } catch (RuntimeException | LinkageError | AssertionError e) {
            throw new BackendFailureException(id, Phase.PLAN, e);
        } finally {
            lock.unlock();
        }
    }

    void forget(SessionPlan plan) {
        plans.remove(plan);
    }

    private void requireOpen() {
        if (closed) {
            throw new IllegalStateException("backend session " + id + " is closed");
        }
    }

    /** Closes open plans, then the backend; a second call does nothing. */
    @Override
    public void close() {
        lock.lock();
        try {
            if (closed) {
                return;
            }
            closed = true;
            try {
                plans.forEach(SessionPlan::close);
            } finally {
                backend.close();
            }
        } finally {
            lock.unlock();
        }
    }
}
