package dev.heddle.conformance.declared;

import dev.heddle.core.Evolving;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * The attention geometry of a published model.
 *
 * @param model its name
 * @param numQoHeads query heads
 * @param numKvHeads KV heads
 * @param headDimQk per-head size of Q and K
 * @param headDimVo per-head size of V and out
 * @param windowLeft window of its sliding layers, −1 for none
 * @param logitsSoftCap cap on the logits, 0 for none
 * @param sinks whether heads have a sink logit
 * @since 0.1
 */
@Evolving
public record ModelGeometry(
        String model,
        int numQoHeads,
        int numKvHeads,
        int headDimQk,
        int headDimVo,
        int windowLeft,
        float logitsSoftCap,
        boolean sinks) {
    private static final String RESOURCE = "model_shapes.csv";

    /** Returns every model of the kit's list. */
    public static List<ModelGeometry> all() {
        try (InputStream stream = ModelGeometry.class.getResourceAsStream(RESOURCE)) {
            if (stream == null) {
                throw new IllegalStateException(RESOURCE + " is missing from the kit's jar");
            }
            BufferedReader reader = new BufferedReader(new InputStreamReader(stream, StandardCharsets.UTF_8));
            return reader.lines().skip(1).filter(line -> !line.isBlank()).map(ModelGeometry::parse).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(RESOURCE + " cannot be read", e);
        }
    }

    // model,num_qo_heads,num_kv_heads,group_size,head_dim_qk,head_dim_vo,window_left,logits_soft_cap,sinks
    private static ModelGeometry parse(String line) {
        String[] cells = line.split(",", -1);
        return new ModelGeometry(
                cells[0],
                Integer.parseInt(cells[1]),
                Integer.parseInt(cells[2]),
                Integer.parseInt(cells[4]),
                Integer.parseInt(cells[5]),
                Integer.parseInt(cells[6]),
                Float.parseFloat(cells[7]),
                Boolean.parseBoolean(cells[8]));
    }

    /** Returns the model as part of a case's name. */
    public String caseName() {
        return model.replaceAll("[^A-Za-z0-9.]+", "-").replaceAll("-$", "");
    }
}
