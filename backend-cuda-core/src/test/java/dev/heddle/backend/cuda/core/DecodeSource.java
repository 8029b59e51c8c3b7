package dev.heddle.backend.cuda.core;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** decode.cu as a compiler would read it: structs with the offsets of their fields, constants with their values. */
final class DecodeSource {
    /** Where a field lies. */
    record Field(int offset, int elementBytes, int elements) {}

    /** A struct's fields in their order, and its size in bytes. */
    record Struct(Map<String, Field> fields, int byteSize) {
        int offset(String field) {
            Field found = fields.get(field);
            if (found == null) {
                throw new AssertionError("decode.cu has no field " + field + " among " + fields.keySet());
            }
            return found.offset();
        }
    }

    private static final Pattern FIELD = Pattern.compile("^\\s*(.+?)\\s*\\b(\\w+)(\\[(\\w+)])?;");
    private static final Pattern CONSTANT =
            Pattern.compile("^static const int (\\w+) = ([^;]+);", Pattern.MULTILINE);
    private static final Pattern MACRO = Pattern.compile("^#define (\\w+) (\\d+)$", Pattern.MULTILINE);
    private static final Pattern BYTES_OF_TYPE =
            Pattern.compile("template <int TYPE> struct Type \\{ static const int BYTES = ([^;]+);");

    private static final String TEXT = KernelShape.SOURCE.text();

    private final Map<String, String> found = new HashMap<>(); // thousands of shapes ask for the same places
    private final List<MatchResult> macros = MACRO.matcher(TEXT).results().toList();
    private final List<MatchResult> constants = CONSTANT.matcher(TEXT).results().toList();

    /** Returns the layout of a struct, as the C++ rules have it. */
    Struct struct(String name, Map<String, Integer> macros) {
        Matcher matcher =
                Pattern.compile("^struct " + name + " \\{\n(.*?)^};", Pattern.MULTILINE | Pattern.DOTALL)
                        .matcher(TEXT);
        if (!matcher.find()) {
            throw new AssertionError("decode.cu has no struct " + name);
        }
        Map<String, Field> fields = new LinkedHashMap<>();
        int at = 0;
        int alignment = 1;
        boolean skipped = false;
        for (String line : matcher.group(1).split("\n")) {
            if (line.startsWith("#if ")) {
                skipped = CExpression.value(line.substring(4), macros) == 0;
            } else if (line.startsWith("#endif")) {
                skipped = false;
            } else if (!skipped && !line.isBlank()) {
                Matcher field = FIELD.matcher(line);
                if (!field.find()) {
                    throw new AssertionError("not a field: " + line);
                }
                int bytes = bytes(field.group(1));
                int count = field.group(4) == null ? 1 : CExpression.value(field.group(4), macros);
                at = Math.ceilDiv(at, bytes) * bytes;
                fields.put(field.group(2), new Field(at, bytes, count));
                at += bytes * count;
                alignment = Math.max(alignment, bytes);
            }
        }
        return new Struct(fields, Math.ceilDiv(at, alignment) * alignment);
    }

    private static int bytes(String type) {
        if (type.endsWith("*")) {
            return 8;
        }
        return switch (type) {
            case "int", "float", "u32" -> 4;
            case "long long", "u64" -> 8;
            default -> throw new AssertionError("how large is " + type + "?");
        };
    }

    /** Returns the file's macros and constants for a specialisation. */
    Map<String, Integer> constants(KernelShape shape) {
        Map<String, Integer> values = new LinkedHashMap<>();
        for (MatchResult macro : macros) {
            values.put(macro.group(1), Integer.parseInt(macro.group(2)));
        }
        for (String macro : shape.macros()) {
            values.put(macro.substring(0, macro.indexOf('=')),
                    Integer.parseInt(macro.substring(macro.indexOf('=') + 1)));
        }
        String bytes = "(" + only(BYTES_OF_TYPE).replaceAll("\\bTYPE\\b", "KV_TYPE") + ")";
        for (MatchResult constant : constants) {
            values.put(constant.group(1),
                    CExpression.value(constant.group(2).replace("Type<KV_TYPE>::BYTES", bytes), values));
        }
        return values;
    }

    /** Returns what the one place that matches a pattern has in its group. */
    String only(Pattern pattern) {
        return found.computeIfAbsent(pattern.pattern(), key -> {
            Matcher matcher = pattern.matcher(TEXT);
            if (!matcher.find()) {
                throw new AssertionError(
                        "decode.cu has no " + pattern + ": the host's twin of it needs a look too");
            }
            return matcher.group(1);
        });
    }
}
