package dev.heddle.planner;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
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
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class CapabilitiesJsonTest {
    static List<Capabilities> declarations() {
        Capabilities everything = Capabilities.builder().groupSizes(IntSet.range(1, 64))
                .kvHeads(IntSet.of(1, 8)).headDims(HeadDims.same(IntSet.multiplesOf(8, 512)),
                        HeadDims.pairs(IntSet.of(192), IntSet.of(128)))
                .pageSizes(IntSet.of(16, 32)).pageSplit(false).qoLen(IntRange.atLeast(0))
                .kvLen(IntRange.of(1, 131072)).batchSize(IntRange.of(1, 256)).pageIds(IntRange.of(0, 65535))
                .maxKvBytes(1L << 40)
                .dtypes(DtypeTuple.of(DataType.BF16), DtypeTuple.of(DataType.BF16, DataType.FP8_E4M3))
                .kvQuantisations(KvQuantisation.values()).kvLayouts(KvLayout.values())
                .strides(Strides.STRIDED)
                .alignment(16).memorySpaces("cuda", "host").pageTableForms(PageTableForm.values())
                .masks(MaskKind.values()).features(Feature.values()).determinism(Determinism.BATCH_INVARIANT)
                .accuracy(Accuracy.REDUCED).concurrency(Concurrency.CONCURRENT).async(true).capture(true)
                .workspace(new WorkspaceBound(1L << 33, 64, 4)).coldStart(ColdStart.CACHED).build();
        return List.of(FakeBackend.DECODE, everything,
                everything.toBuilder().features().masks().groupSizes(IntSet.atLeast(3)).build());
    }

    @ParameterizedTest
    @MethodSource("declarations")
    void declarationSurvivesTheTrip(Capabilities declaration) {
        String text = CapabilitiesJson.write(declaration).toString();
        Capabilities back = CapabilitiesJson.read(JsonParser.parseString(text).getAsJsonObject());
        assertEquals(declaration, back);
        assertEquals(text, CapabilitiesJson.write(back).toString());
    }

    @Test
    void formIsFixed() {
        assertEquals(
                """
                        {"group_sizes":{"in":[1,2,3,4,8]},"kv_heads":{"min":1,"step":1},\
                        "head_dims":[{"qk":{"in":[4,8]},"vo":{"in":[4,8]},"equal":true}],\
                        "page_sizes":{"min":1,"step":1},"page_split":true,"qo_len":{"min":1,"max":1},"kv_len":{"min":0},\
                        "batch_size":{"min":1},"page_ids":{"min":0},"dtypes":["f32/f32/f32/f32"],\
                        "kv_quantisations":["none"],"kv_layouts":["nhd"],"strides":"dense","alignment":1,\
                        "memory_spaces":["host"],"page_table_forms":["csr"],"masks":["none"],"features":["lse"],\
                        "determinism":"none","accuracy":"dtype","concurrency":"serial","async":false,"capture":false,\
                        "workspace":{"fixed_bytes":0,"bytes_per_request":0,"bytes_per_element":0},\
                        "cold_start":"ahead_of_time"}""",
                CapabilitiesJson.write(FakeBackend.DECODE).toString());
    }

    @Test
    void everyMissingFieldIsNamed() {
        JsonObject whole = CapabilitiesJson.write(FakeBackend.DECODE);
        for (String name : List.copyOf(whole.keySet())) {
            JsonObject part = whole.deepCopy();
            part.remove(name);
            String message =
                    assertThrows(JsonParseException.class, () -> CapabilitiesJson.read(part)).getMessage();
            assertTrue(message.contains("'" + name + "'"), message);
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            group_sizes      | 7
            group_sizes      | {"in":[]}
            group_sizes      | {"in":["x"]}
            kv_heads         | {"min":1.5,"step":1}
            kv_len           | {"min":9,"max":1}
            batch_size       | {"min":4294967297}
            head_dims        | {"qk":8}
            page_split       | "perhaps"
            max_kv_bytes     | null
            dtypes           | ["f32/f32"]
            dtypes           | ["f32/f32/f32/f33"]
            kv_layouts       | ["sideways"]
            strides          | []
            alignment        | 3
            memory_spaces    | [{}]
            masks            | "none"
            features         | [null]
            determinism      | "always"
            async            | 1
            workspace        | []
            workspace        | {"fixed_bytes":-1,"bytes_per_request":0,"bytes_per_element":0}
            cold_start       | null
            """)
    void malformedFieldIsNamed(String name, String value) {
        JsonObject json = CapabilitiesJson.write(FakeBackend.DECODE);
        json.add(name, JsonParser.parseString(value));
        String message =
                assertThrows(JsonParseException.class, () -> CapabilitiesJson.read(json)).getMessage();
        assertTrue(message.contains(name), message);
    }
}
