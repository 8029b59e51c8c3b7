package dev.heddle.conformance.input;

import dev.heddle.core.Evolving;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.CustomMask;
import dev.heddle.core.attention.HeadParameters;
import dev.heddle.core.attention.Strides;
import dev.heddle.core.cache.HostKvAccess;
import dev.heddle.core.cache.KvCacheView;
import dev.heddle.core.page.PageTable;
import dev.heddle.core.tensor.DataType;
import dev.heddle.core.tensor.HostTensors;
import dev.heddle.core.tensor.Tensor;
import java.util.Arrays;
import java.util.Random;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * Makes a request from a spec, lengths and a seed. Values are normally distributed; pages are scattered over a pool
 * with a few unused ones; slots that hold no token hold ordinary values too, so that reading one shows.
 *
 * @since 0.1
 */
@Evolving
public final class RequestBuilder {
    private static final int SPARE_PAGES = 3;
    private static final long THIRD = (1 << 21) - 1;

    private final AttentionSpec spec;
    private int[] qoLens = {1};
    private int[] kvLens = {64};
    private long seed = 1;
    private float qAmplitude = 1;
    private float junk = Float.NEGATIVE_INFINITY; // stands for ordinary random values
    private boolean equalScales;
    private int alignment = 1;
    private @Nullable PageTable table;
    private CustomMask.@Nullable Predicate mask;

    private RequestBuilder(AttentionSpec spec) {
        this.spec = spec;
    }

    /** Starts a request. */
    public static RequestBuilder of(AttentionSpec spec) {
        return new RequestBuilder(spec);
    }

    /** Sets the query rows of each request; used again from the first where requests are more. */
    public RequestBuilder qoLens(int... lens) {
        qoLens = lens.clone();
        return this;
    }

    /** Sets the KV tokens of each request. */
    public RequestBuilder kvLens(int... lens) {
        kvLens = lens.clone();
        return this;
    }

    /** Sets the seed of every value. */
    public RequestBuilder seed(long value) {
        seed = value;
        return this;
    }

    /** Sets a factor on q. */
    public RequestBuilder qAmplitude(float value) {
        qAmplitude = value;
        return this;
    }

    /** Sets what slots without a token hold; the default is random ordinary values. */
    public RequestBuilder junk(float value) {
        junk = value;
        return this;
    }

    /** Gives every KV head the same scales. */
    public RequestBuilder equalScales() {
        equalScales = true;
        return this;
    }

    /** Makes strides of a strided request a multiple of so many bytes. */
    public RequestBuilder alignment(int bytes) {
        alignment = bytes;
        return this;
    }

    /** Sets the pages, in place of scattered ones; it has the KV lengths. */
    public RequestBuilder table(PageTable pages) {
        table = pages;
        kvLens = new int[pages.batchSize()];
        Arrays.setAll(kvLens, pages::kvLen);
        return this;
    }

    /** Sets the bits of a custom mask, which the spec must ask for. */
    public RequestBuilder mask(CustomMask.Predicate predicate) {
        mask = predicate;
        return this;
    }

    /** Returns only the batch of the request: lengths, pages and mask. */
    public BatchShape batchOnly() {
        return batch(new Random(seed));
    }

    private BatchShape batch(Random random) {
        int[] qoIndptr = new int[kvLens.length + 1];
        for (int i = 0; i < kvLens.length; i++) {
            qoIndptr[i + 1] = qoIndptr[i] + qoLens[i % qoLens.length];
        }
        PageTable pages = table == null ? scattered(spec.pageSize(), kvLens, random) : table;
        BatchShape batch = BatchShape.of(qoIndptr, pages);
        return spec.customMask()
                ? batch.withMask(CustomMask.of(qoIndptr, pages, mask == null ? this::treeMask : mask))
                : batch;
    }

    /** Makes the request. */
    public Request build() {
        Random random = new Random(seed);
        BatchShape batch = batch(random);
        PageTable pages = batch.pageTable();
        Placement placement = new Placement(spec, alignment);
        Tensor q = placement.hostTensor(spec.qDtype(), batch.totalQoLen(), spec.headDimQk());
        KvCacheView kv = placement.hostCache(pages.poolPages(), scales(random));
        SplittableRandom values = new SplittableRandom(random.nextLong()); // millions of them: Random takes its time
        HostTensors.fill(q, normal(values, (int) q.elements(), qAmplitude));
        fill(kv, pages, values);
        Tensor sinks =
                spec.sinks() ? Tensor.of(normal(values, spec.numQoHeads(), 2), spec.numQoHeads()) : null;
        Tensor slopes = spec.alibi() ? Tensor.of(slopes(), spec.numQoHeads()) : null;
        return new Request(spec, batch, q, kv, new HeadParameters(sinks, slopes));
    }

    // A draft tree of speculative decoding: a row sees what is cached, and every other drafted token.
    private boolean treeMask(int request, int row, int key) {
        return (key * 7 + row * 3 + request) % 5 != 0;
    }

    /** Returns a table that scatters requests' pages over a pool with a few unused pages. */
    public static PageTable scattered(int pageSize, int[] kvLens, Random random) {
        int[] indptr = new int[kvLens.length + 1];
        int[] last = new int[kvLens.length];
        for (int i = 0; i < kvLens.length; i++) {
            int pages = Math.ceilDiv(kvLens[i], pageSize);
            indptr[i + 1] = indptr[i] + pages;
            last[i] = pages == 0 ? 0 : kvLens[i] - (pages - 1) * pageSize;
        }
        int total = indptr[kvLens.length];
        int pool = total + SPARE_PAGES + (total + SPARE_PAGES) % 2; // even: two segments hold as many pages each
        int[] ids = new int[pool];
        Arrays.setAll(ids, i -> i);
        for (int i = pool - 1; i > 0; i--) {
            int j = random.nextInt(i + 1);
            int id = ids[i];
            ids[i] = ids[j];
            ids[j] = id;
        }
        return PageTable.of(pageSize, pool, indptr, Arrays.copyOf(ids, total), last);
    }

    private Placement.Scales scales(Random random) {
        float[] k = new float[spec.numKvHeads()];
        float[] v = new float[spec.numKvHeads()];
        for (int h = 0; h < k.length; h++) {
            float spread = equalScales ? 1 : 1 + 0.25f * random.nextFloat();
            k[h] = scaleFor(spec.kDtype()) * spread;
            v[h] = scaleFor(spec.vDtype()) * (equalScales ? 1 : 2.125f - spread);
        }
        return new Placement.Scales(k, v);
    }

    private static float scaleFor(DataType dtype) {
        // Five standard deviations fit; 16-bit values that are scaled nevertheless get a factor that shows if lost.
        return dtype.isQuantised() ? 5 / dtype.maxFinite() : 0.75f;
    }

    private void fill(KvCacheView kv, PageTable pages, SplittableRandom random) {
        boolean[] held = new boolean[pages.poolPages() * spec.pageSize()];
        for (int i = 0; i < pages.batchSize(); i++) {
            for (int t = 0; t < pages.kvLen(i); t++) {
                held[pages.pageOf(i, t) * spec.pageSize() + t % spec.pageSize()] = true;
            }
        }
        for (int slot = 0; slot < held.length; slot++) {
            for (int h = 0; h < spec.numKvHeads(); h++) {
                float[] k = normal(random, spec.headDimQk(), 1);
                float[] v = normal(random, spec.headDimVo(), 1);
                if (!held[slot] && junk != Float.NEGATIVE_INFINITY) {
                    Arrays.fill(k, junk);
                    Arrays.fill(v, junk);
                }
                HostKvAccess.putKey(kv, slot / spec.pageSize(), slot % spec.pageSize(), h, k, 0);
                HostKvAccess.putValue(kv, slot / spec.pageSize(), slot % spec.pageSize(), h, v, 0);
            }
        }
    }

    private float[] slopes() {
        float[] slopes = new float[spec.numQoHeads()];
        for (int h = 0; h < slopes.length; h++) {
            slopes[h] = (float) Math.pow(2, -8.0 * (h + 1) / slopes.length); // as the ALiBi paper spaces them
        }
        return slopes;
    }

    private static float[] normal(SplittableRandom random, int count, float amplitude) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            // The sum of three uniform values, 21 bits each: near enough to normal, bounded, and fast.
            long bits = random.nextLong();
            long sum = (bits & THIRD) + (bits >>> 21 & THIRD) + (bits >>> 42 & THIRD);
            values[i] = amplitude * (sum * (2f / THIRD) - 3);
        }
        return values;
    }

    /** Returns whether a spec lets memory have gaps. */
    static boolean gaps(AttentionSpec spec) {
        return spec.strides() == Strides.STRIDED;
    }
}
