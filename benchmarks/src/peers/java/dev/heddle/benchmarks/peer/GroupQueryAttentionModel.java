package dev.heddle.benchmarks.peer;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * An ONNX model of one node, {@code com.microsoft.GroupQueryAttention}, as bytes. ONNX files are protocol buffers: a
 * message is a row of fields, each a key {@code number << 3 | wireType} and a value, which is a variable-length number
 * (wire type 0) or a length and so many bytes (wire type 2). That is little enough to write it by hand instead of with
 * a library. The numbers of the fields below are those of {@code onnx.proto3}; shapes are left to the run.
 */
public final class GroupQueryAttentionModel {
    private static final int IR_VERSION = 8;
    private static final int OPSET = 17;
    private static final int FLOAT = 1; // TensorProto.DataType
    private static final int INT8 = 3;
    private static final int INT32 = 6;
    private static final int ATTRIBUTE_INT = 2; // AttributeProto.AttributeType
    private static final int ATTRIBUTE_STRING = 3;

    private GroupQueryAttentionModel() {}

    /**
     * Returns the model. Inputs: query {@code [B, S, Hq·D]}, key and value {@code [B, S, Hkv·D]}, past_key and
     * past_value {@code [B, Hkv, capacity, D]}, seqlens_k {@code [B]} (tokens less one), total_sequence_length
     * {@code [1]}, and for int8 k_scale and v_scale {@code [1]}. Outputs: output, present_key, present_value.
     *
     * @param int8 whether K and V are stored as int8 with a scale for the whole tensor, in place of f32
     */
    public static byte[] bytes(int numQoHeads, int numKvHeads, boolean int8) {
        int kv = int8 ? INT8 : FLOAT;
        List<byte[]> inputs = new ArrayList<>(List.of(value("query", FLOAT, 3), value("key", FLOAT, 3),
                value("value", FLOAT, 3), value("past_key", kv, 4), value("past_value", kv, 4),
                value("seqlens_k", INT32, 1), value("total_sequence_length", INT32, 1)));
        List<String> names = new ArrayList<>(List.of("query", "key", "value", "past_key", "past_value",
                "seqlens_k", "total_sequence_length"));
        Message node = new Message();
        if (int8) {
            inputs.add(value("k_scale", FLOAT, 1));
            inputs.add(value("v_scale", FLOAT, 1));
            // Left out with an empty name: cos_cache, sin_cache, position_ids, attention_bias, head_sink.
            names.addAll(List.of("", "", "", "", "", "k_scale", "v_scale"));
        }
        names.forEach(name -> node.text(1, name));
        List.of("output", "present_key", "present_value").forEach(name -> node.text(2, name));
        node.text(3, "attention").text(4, "GroupQueryAttention");
        node.bytes(5, attribute("num_heads", numQoHeads)).bytes(5, attribute("kv_num_heads", numKvHeads));
        if (int8) {
            node.bytes(5, attribute("kv_cache_bit_width", 8)).bytes(5, attribute("k_quant_type", "PER_TENSOR"))
                    .bytes(5, attribute("v_quant_type", "PER_TENSOR"));
        }
        node.text(7, "com.microsoft");
        Message graph = new Message().bytes(1, node.bytes()).text(2, "attention");
        inputs.forEach(input -> graph.bytes(11, input));
        graph.bytes(12, value("output", FLOAT, 3)).bytes(12, value("present_key", kv, 4))
                .bytes(12, value("present_value", kv, 4));
        return new Message().number(1, IR_VERSION).text(2, "heddle").bytes(7, graph.bytes())
                .bytes(8, new Message().text(1, "").number(2, OPSET).bytes())
                .bytes(8, new Message().text(1, "com.microsoft").number(2, 1).bytes()).bytes();
    }

    /** A ValueInfoProto: a name and a tensor type whose dimensions have names in place of sizes. */
    private static byte[] value(String name, int type, int rank) {
        Message shape = new Message();
        for (int i = 0; i < rank; i++) {
            shape.bytes(1, new Message().text(2, name + "_" + i).bytes());
        }
        Message tensor = new Message().number(1, type).bytes(2, shape.bytes());
        return new Message().text(1, name).bytes(2, new Message().bytes(1, tensor.bytes()).bytes()).bytes();
    }

    private static byte[] attribute(String name, int value) {
        return new Message().text(1, name).number(3, value).number(20, ATTRIBUTE_INT).bytes();
    }

    private static byte[] attribute(String name, String value) {
        return new Message().text(1, name).text(4, value).number(20, ATTRIBUTE_STRING).bytes();
    }

    /** A protocol buffer's message under construction. */
    private static final class Message {
        private final ByteArrayOutputStream out = new ByteArrayOutputStream();

        Message number(int field, long value) {
            varint((long) field << 3);
            varint(value);
            return this;
        }

        Message text(int field, String value) {
            return bytes(field, value.getBytes(StandardCharsets.UTF_8));
        }

        Message bytes(int field, byte[] value) {
            varint((long) field << 3 | 2);
            varint(value.length);
            out.writeBytes(value);
            return this;
        }

        private void varint(long value) {
            long rest = value;
            while (rest > 0x7F) {
                out.write((int) (rest & 0x7F | 0x80));
                rest >>>= 7;
            }
            out.write((int) rest);
        }

        byte[] bytes() {
            return out.toByteArray();
        }
    }
}
