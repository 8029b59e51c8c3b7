package dev.heddle.planner;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonPrimitive;
import dev.heddle.core.Evolving;
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
import dev.heddle.core.capability.DtypeTuple;
import dev.heddle.core.capability.HeadDims;
import dev.heddle.core.capability.IntRange;
import dev.heddle.core.capability.IntSet;
import dev.heddle.core.capability.PageTableForm;
import dev.heddle.core.capability.WorkspaceBound;
import dev.heddle.core.tensor.DataType;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Function;

/**
 * A declaration as JSON and back, equal after the round trip. Sets are {@code {"in":[1,2]}} or {@code
 * {"min":8,"max":512,"step":8}}; a missing {@code max} means no limit.
 *
 * @since 0.1
 */
@Evolving
public final class CapabilitiesJson {
    private CapabilitiesJson() {}

    /** Returns the declaration as an object whose fields are the record's components in snake case. */
    public static JsonObject write(Capabilities value) {
        JsonObject json = new JsonObject();
        json.add("group_sizes", set(value.groupSizes()));
        json.add("kv_heads", set(value.kvHeads()));
        json.add("head_dims", array(value.headDims(), dims -> {
            JsonObject one = new JsonObject();
            one.add("qk", set(dims.qk()));
            one.add("vo", set(dims.vo()));
            one.addProperty("equal", dims.equal());
            return one;
        }));
        json.add("page_sizes", set(value.pageSizes()));
        json.addProperty("page_split", value.pageSplit());
        json.add("qo_len", range(value.qoLen()));
        json.add("kv_len", range(value.kvLen()));
        json.add("batch_size", range(value.batchSize()));
        json.add("page_ids", range(value.pageIds()));
        if (value.maxKvBytes() != Long.MAX_VALUE) {
            json.addProperty("max_kv_bytes", value.maxKvBytes());
        }
        json.add("dtypes", array(value.dtypes(), tuple -> new JsonPrimitive(tuple.toString())));
        json.add("kv_quantisations", names(value.kvQuantisations()));
        json.add("kv_layouts", names(value.kvLayouts()));
        json.add("strides", name(value.strides()));
        json.addProperty("alignment", value.alignment());
        json.add("memory_spaces", array(value.memorySpaces(), JsonPrimitive::new));
        json.add("page_table_forms", names(value.pageTableForms()));
        json.add("masks", names(value.masks()));
        json.add("features", names(value.features()));
        json.add("determinism", name(value.determinism()));
        json.add("accuracy", name(value.accuracy()));
        json.add("concurrency", name(value.concurrency()));
        json.addProperty("async", value.async());
        json.addProperty("capture", value.capture());
        JsonObject workspace = new JsonObject();
        workspace.addProperty("fixed_bytes", value.workspace().fixedBytes());
        workspace.addProperty("bytes_per_request", value.workspace().bytesPerRequest());
        workspace.addProperty("bytes_per_element", value.workspace().bytesPerElement());
        json.add("workspace", workspace);
        json.add("cold_start", name(value.coldStart()));
        return json;
    }

    /**
     * Reads what {@link #write} wrote.
     *
     * @throws JsonParseException naming the field that is missing or malformed
     */
    public static Capabilities read(JsonObject json) {
        try {
            return declaration(json);
        } catch (IllegalArgumentException e) {
            throw new JsonParseException("the declaration is malformed: " + e.getMessage(), e);
        }
    }

    private static Capabilities declaration(JsonObject json) {
        return new Capabilities(
                set(json, "group_sizes"),
                set(json, "kv_heads"),
                list(json, "head_dims", e -> new HeadDims(set(e.getAsJsonObject(), "qk"),
                        set(e.getAsJsonObject(), "vo"), bool(e.getAsJsonObject(), "equal"))),
                set(json, "page_sizes"),
                bool(json, "page_split"),
                range(json, "qo_len"),
                range(json, "kv_len"),
                range(json, "batch_size"),
                range(json, "page_ids"),
                json.has("max_kv_bytes") ? whole(json, "max_kv_bytes") : Long.MAX_VALUE,
                list(json, "dtypes", CapabilitiesJson::tuple),
                names(json, "kv_quantisations", KvQuantisation.class),
                names(json, "kv_layouts", KvLayout.class),
                read(json, "strides", e -> name(e, Strides.class)),
                integer(json, "alignment"),
                new HashSet<>(list(json, "memory_spaces", JsonElement::getAsString)),
                names(json, "page_table_forms", PageTableForm.class),
                names(json, "masks", MaskKind.class),
                names(json, "features", Feature.class),
                read(json, "determinism", e -> name(e, Determinism.class)),
                read(json, "accuracy", e -> name(e, Accuracy.class)),
                read(json, "concurrency", e -> name(e, Concurrency.class)),
                bool(json, "async"),
                bool(json, "capture"),
                read(json, "workspace", CapabilitiesJson::workspace),
                read(json, "cold_start", e -> name(e, ColdStart.class)));
    }

    private static JsonElement field(JsonObject json, String name) {
        JsonElement value = json.get(name);
        if (value == null) {
            throw new JsonParseException("a declaration needs the field '" + name + "'");
        }
        return value;
    }

    /** Reads a field; whatever is wrong with its value is said together with its name. */
    private static <T> T read(JsonObject json, String name, Function<JsonElement, T> read) {
        JsonElement value = field(json, name);
        try {
            return read.apply(value);
        } catch (JsonParseException | IllegalArgumentException | IllegalStateException
                | UnsupportedOperationException
                | ArithmeticException e) {
            throw new JsonParseException(
                    "the field '" + name + "' of a declaration is malformed: " + value + " ("
                            + e.getMessage() + ")",
                    e);
        }
    }

    private static boolean bool(JsonObject json, String name) {
        return read(json, name, value -> {
            if (!value.getAsJsonPrimitive().isBoolean()) {
                throw new JsonParseException("true or false is needed");
            }
            return value.getAsBoolean();
        });
    }

    private static int integer(JsonObject json, String name) {
        return read(json, name, value -> value.getAsBigDecimal().intValueExact());
    }

    private static long whole(JsonObject json, String name) {
        return read(json, name, value -> value.getAsBigDecimal().longValueExact());
    }

    private static WorkspaceBound workspace(JsonElement json) {
        JsonObject workspace = json.getAsJsonObject();
        return new WorkspaceBound(whole(workspace, "fixed_bytes"), whole(workspace, "bytes_per_request"),
                whole(workspace, "bytes_per_element"));
    }

    private static <T> JsonArray array(Collection<T> values, Function<T, JsonElement> write) {
        JsonArray array = new JsonArray();
        values.forEach(value -> array.add(write.apply(value)));
        return array;
    }

    private static <T> List<T> list(JsonObject json, String name, Function<JsonElement, T> read) {
        return read(json, name, array -> {
            List<T> values = new ArrayList<>();
            array.getAsJsonArray().forEach(element -> values.add(read.apply(element)));
            return values;
        });
    }

    private static JsonObject set(IntSet set) {
        JsonObject json = new JsonObject();
        if (set.isListed()) {
            json.add("in", array(set.values(), JsonPrimitive::new));
            return json;
        }
        json.addProperty("min", set.min());
        if (set.max() != Integer.MAX_VALUE) {
            json.addProperty("max", set.max());
        }
        json.addProperty("step", set.step());
        return json;
    }

    private static IntSet set(JsonObject json, String name) {
        return read(json, name, value -> {
            JsonObject set = value.getAsJsonObject();
            if (!set.has("in")) {
                return new IntSet(List.of(), integer(set, "min"), max(set), integer(set, "step"));
            }
            List<Integer> members = list(set, "in", member -> member.getAsBigDecimal().intValueExact());
            if (members.isEmpty()) {
                throw new JsonParseException("a set needs at least one member");
            }
            return new IntSet(members, 0, 0, 1);
        });
    }

    private static int max(JsonObject json) {
        return json.has("max") ? integer(json, "max") : Integer.MAX_VALUE;
    }

    private static JsonObject range(IntRange range) {
        JsonObject json = new JsonObject();
        json.addProperty("min", range.min());
        if (range.max() != Integer.MAX_VALUE) {
            json.addProperty("max", range.max());
        }
        return json;
    }

    private static IntRange range(JsonObject json, String name) {
        return read(json, name, value -> {
            JsonObject range = value.getAsJsonObject();
            return new IntRange(integer(range, "min"), max(range));
        });
    }

    private static DtypeTuple tuple(JsonElement json) {
        String[] parts = json.getAsString().split("/");
        if (parts.length != 4) {
            throw new JsonParseException("a dtype tuple must be q/k/v/out, got '" + json.getAsString() + "'");
        }
        return new DtypeTuple(DataType.ofId(parts[0]), DataType.ofId(parts[1]), DataType.ofId(parts[2]),
                DataType.ofId(parts[3]));
    }

    private static JsonPrimitive name(Enum<?> value) {
        return new JsonPrimitive(value.name().toLowerCase(Locale.ROOT));
    }

    private static <E extends Enum<E>> E name(JsonElement json, Class<E> type) {
        return Enum.valueOf(type, json.getAsString().toUpperCase(Locale.ROOT));
    }

    private static <E extends Enum<E>> JsonArray names(Set<E> values) {
        return array(values, CapabilitiesJson::name);
    }

    private static <E extends Enum<E>> Set<E> names(JsonObject json, String field, Class<E> type) {
        Set<E> values = EnumSet.noneOf(type);
        values.addAll(list(json, field, element -> name(element, type)));
        return values;
    }
}
