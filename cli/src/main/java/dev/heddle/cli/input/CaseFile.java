package dev.heddle.cli.input;

import dev.heddle.cli.safetensors.MalformedFileException;
import dev.heddle.cli.safetensors.SafetensorsFile;
import dev.heddle.cli.safetensors.StoredTensor;
import dev.heddle.cli.safetensors.StoredType;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.AttentionSpecBuilder;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.HeadParameters;
import dev.heddle.core.attention.KvLayout;
import dev.heddle.core.attention.KvQuantisation;
import dev.heddle.core.cache.KvCacheView;
import dev.heddle.core.cache.KvScales;
import dev.heddle.core.page.PageTable;
import dev.heddle.core.tensor.DataType;
import dev.heddle.core.tensor.HostBuffer;
import dev.heddle.core.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads a saved case: tensors by name, everything else from the metadata strings. */
public final class CaseFile {
    private static final ValueLayout.OfInt INT =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final double MAX_FACTOR = 2;
    private static final double MEAN_FACTOR = 1.5;

    private final SafetensorsFile file;

    private CaseFile(SafetensorsFile file) {
        this.file = file;
    }

    /**
     * Opens a case. The result maps the file until it is closed.
     *
     * @throws MalformedFileException if the file or its shapes are wrong, naming what and where
     * @throws IOException if it cannot be read
     */
    public static Case open(Path path) throws IOException {
        SafetensorsFile file = SafetensorsFile.open(path);
        try {
            return new CaseFile(file).read();
        } catch (MalformedFileException e) {
            file.close();
            throw e;
        } catch (IllegalArgumentException e) { // a spec, table or view that does not fit: say which file
            file.close();
            throw new MalformedFileException(path, String.valueOf(e.getMessage()));
        }
    }

    private Case read() {
        StoredTensor q = attention("q", 3);
        StoredTensor k = attention("k_cache", 4);
        StoredTensor v = attention("v_cache", 4);
        KvLayout layout = layout();
        int slots = layout == KvLayout.NHD ? 1 : 2;
        int pages = extent(k, 0);
        int pageSize = extent(k, slots);
        int kvHeads = extent(k, 3 - slots);
        same(v, 0, pages, "pages");
        same(v, slots, pageSize, "page_size");
        same(v, 3 - slots, kvHeads, "num_kv_heads");
        same(q, 2, extent(k, 3), "head_dim_qk");
        declared("dtype", q.type());
        if (whole("page_size", pageSize) != pageSize) {
            throw problem(
                    "metadata page_size is " + file.metadata("page_size", "") + ", k_cache has " + pageSize);
        }
        DataType kvDtype = k.type().dtype();
        float kScale = number("k_scale", 1);
        float vScale = number("v_scale", 1);
        boolean scaled = kvDtype.isQuantised() || kScale != 1 || vScale != 1;
        AttentionSpecBuilder builder = AttentionSpec.builder()
                .numQoHeads(extent(q, 1)).numKvHeads(kvHeads).headDim(extent(k, 3), extent(v, 3))
                .dtype(q.type().dtype()).kvDtype(kvDtype, v.type().dtype())
                .kvQuantisation(scaled ? KvQuantisation.PER_TENSOR : KvQuantisation.NONE)
                .pageSize(pageSize).kvLayout(layout)
                .causal(flag("causal"))
                .windowLeft(whole("window_left", -1))
                .logitsSoftCap(number("logits_soft_cap", 0));
        float smScale = number("sm_scale", Float.NaN);
        if (Float.isNaN(smScale) && !file.metadata("sm_scale", "").isEmpty()) {
            throw problem("metadata sm_scale must be a finite number, got NaN");
        }
        AttentionSpec spec = (Float.isNaN(smScale) ? builder : builder.smScale(smScale)).build();
        BatchShape batch = BatchShape.of(ints("qo_indptr"),
                PageTable.of(pageSize, pages, ints("kv_indptr"), ints("kv_indices"),
                        ints("kv_last_page_len")));
        if (extent(q, 0) != batch.totalQoLen()) {
            throw problem("q has " + extent(q, 0) + " rows, qo_indptr ends at " + batch.totalQoLen());
        }
        KvCacheView view = KvCacheView.builder(spec, pages)
                .k(List.of(HostBuffer.wrap(k.data()))).v(List.of(HostBuffer.wrap(v.data())))
                .scales(scaled ? KvScales.perTensor(kScale, vScale) : KvScales.NONE)
                .build();
        String name = file.metadata("name",
                file.file().getFileName().toString().replaceFirst("\\.safetensors$", ""))
                .replaceAll("\\p{Cntrl}+", " "); // reports name it in one line
        return new Case(name, spec, batch, tensor(q), view, HeadParameters.NONE, answer(spec, batch), file);
    }

    private Case.@Nullable Answer answer(AttentionSpec spec, BatchShape batch) {
        if (!file.has("out") && !file.has("lse")) {
            return null;
        }
        StoredTensor out = attention("out", 3);
        StoredTensor lse = attention("lse", 2);
        for (StoredTensor tensor : List.of(out, lse)) {
            if (tensor.type() != StoredType.F32) {
                throw problem("tensor '" + tensor.name() + "' must be F32, got " + tensor.type());
            }
            same(tensor, 0, batch.totalQoLen(), "query rows");
            same(tensor, 1, spec.numQoHeads(), "num_qo_heads");
        }
        same(out, 2, spec.headDimVo(), "head_dim_vo");
        return new Case.Answer(tensor(out), tensor(lse), MAX_FACTOR * number("sdpa_err_max", Float.NaN),
                MEAN_FACTOR * number("sdpa_err_mean", Float.NaN));
    }

    private StoredTensor attention(String name, int rank) {
        StoredTensor tensor = file.tensor(name);
        if (tensor.shape().size() != rank) {
            throw problem(
                    "tensor '" + name + "' must have " + rank + " dimensions, got shape " + tensor.shape());
        }
        if (tensor.type().dtype() == null) {
            throw problem(
                    "tensor '" + name + "' must be of a floating or quantised type, got " + tensor.type());
        }
        return tensor;
    }

    private int[] ints(String name) {
        StoredTensor tensor = file.tensor(name);
        if (tensor.type() != StoredType.I32 || tensor.shape().size() != 1) {
            throw problem("tensor '" + name + "' must be I32 with one dimension, got " + tensor.type() + " "
                    + tensor.shape());
        }
        int[] values = new int[Math.toIntExact(tensor.shape().getFirst())];
        for (int i = 0; i < values.length; i++) {
            values[i] = tensor.data().get(INT, 4L * i);
        }
        return values;
    }

    private int extent(StoredTensor tensor, int dimension) {
        long extent = tensor.shape().get(dimension);
        if (extent > Integer.MAX_VALUE) {
            throw problem("tensor '" + tensor.name() + "' has shape " + tensor.shape() + ": " + extent
                    + " is too large");
        }
        return (int) extent;
    }

    private void same(StoredTensor tensor, int dimension, int expected, String what) {
        if (extent(tensor, dimension) != expected) {
            throw problem(
                    "tensor '" + tensor.name() + "' has shape " + tensor.shape() + "; dimension " + dimension
                            + " (" + what + ") must be " + expected + " as in the other tensors");
        }
    }

    private void declared(String key, StoredType type) {
        String declared = file.metadata(key, "");
        if (!declared.isEmpty() && DataType.ofId(declared) != type.dtype()) {
            throw problem("metadata " + key + " is " + declared + ", tensor 'q' is " + type);
        }
    }

    private boolean flag(String key) {
        String value = file.metadata(key, "false");
        if (!value.equals("true") && !value.equals("false")) {
            throw problem("metadata " + key + " must be true or false, got '" + value + "'");
        }
        return value.equals("true");
    }

    private KvLayout layout() {
        String value = file.metadata("kv_layout", "NHD");
        return Arrays.stream(KvLayout.values()).filter(layout -> layout.name().equals(value)).findFirst()
                .orElseThrow(() -> problem("metadata kv_layout must be one of "
                        + List.of(KvLayout.values()) + ", got '" + value + "'"));
    }

    private int whole(String key, int otherwise) {
        String value = file.metadata(key, "");
        try {
            return value.isEmpty() ? otherwise : Integer.parseInt(value);
        } catch (NumberFormatException e) {
            throw problem("metadata " + key + " must be a whole number below 2^31, got '" + value + "'");
        }
    }

    private float number(String key, float otherwise) {
        String value = file.metadata(key, "");
        try {
            return value.isEmpty() ? otherwise : Float.parseFloat(value);
        } catch (NumberFormatException e) {
            throw problem("metadata " + key + " must be a number, got '" + value + "'");
        }
    }

    private static Tensor tensor(StoredTensor stored) {
        return Tensor.of(stored.data(), stored.type().dtype(),
                stored.shape().stream().mapToLong(Long::longValue).toArray());
    }

    private MalformedFileException problem(String problem) {
        return new MalformedFileException(file.file(), problem);
    }
}
