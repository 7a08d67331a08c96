package dev.nibble.constraint;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Schemas made at random: of every keyword that is enforced, nested a few levels, often contradicting themselves. */
final class RandomSchema {
    private static final List<String> PATTERNS =
            List.of("^[a-c]+$", "b", "^a?b*c$", "[0-9]{2}", "^(ab|ba)*$", "^.{2}$", "\\\\d$", "^[^a]", "é|ö");
    private static final List<String> NAMES = List.of("a", "b", "ab", "id", "name");
    private static final List<String> VALUES = List.of(
            "null",
            "true",
            "false",
            "0",
            "1",
            "-1",
            "2.5",
            "10",
            "\"\"",
            "\"a\"",
            "\"ab\"",
            "\"é\"",
            "\"1\"",
            "[]",
            "[1]",
            "{}",
            "{\"a\":1}",
            "[null,\"a\"]");

    private final Random random;

    RandomSchema(Random random) {
        this.random = random;
    }

    /** A schema as text. */
    String next() {
        String schema = schema(3);
        boolean withDefinitions = schema.contains("#/$defs/");
        if (!withDefinitions || !schema.startsWith("{") || schema.equals("{}")) {
            return withDefinitions ? "{}" : schema;
        }
        String end = ",\"$defs\":{\"d\":" + schema(1).replace("#/$defs/d", "#") + "}}";
        return schema.substring(0, schema.length() - 1) + end;
    }

    private boolean chance(int percent) {
        return random.nextInt(100) < percent;
    }

    private String one(List<String> of) {
        return of.get(random.nextInt(of.size()));
    }

    private String schema(int levels) {
        if (chance(4)) {
            return one(List.of("true", "false", "{}"));
        }
        List<String> parts = new ArrayList<>();
        switch (random.nextInt(levels > 0 ? 12 : 5)) {
            case 0 -> parts.add("\"enum\":[" + one(VALUES) + "," + one(VALUES) + "," + one(VALUES) + "]");
            case 1 -> parts.add("\"const\":" + one(VALUES));
            case 2 -> number(parts);
            case 3 -> text(parts);
            case 4 -> parts.add("\"type\":[\"" + one(List.of("null", "boolean")) + "\",\"integer\"]");
            case 5, 6 -> array(parts, levels - 1);
            case 7, 8, 9 -> object(parts, levels - 1);
            case 10 ->
                parts.add("\"" + one(List.of("anyOf", "oneOf")) + "\":[" + schema(levels - 1) + "," + schema(levels - 1)
                        + "]");
            default -> parts.add("\"$ref\":\"#/$defs/d\"");
        }
        if (levels > 0 && chance(25)) {
            switch (random.nextInt(4)) {
                case 0 -> parts.add("\"allOf\":[" + schema(levels - 1) + "]");
                case 1 -> parts.add("\"not\":" + schema(0));
                case 2 ->
                    parts.add("\"if\":" + schema(0) + ",\"then\":" + schema(0) + ",\"else\":" + schema(levels - 1));
                default -> parts.add("\"allOf\":[{\"anyOf\":[" + schema(levels - 1) + "," + schema(0) + "]}]");
            }
        }
        return "{" + String.join(",", parts) + "}";
    }

    private void number(List<String> parts) {
        if (chance(80)) {
            parts.add("\"type\":\"" + one(List.of("integer", "number")) + "\"");
        }
        if (chance(50)) {
            parts.add("\"" + one(List.of("minimum", "exclusiveMinimum")) + "\":"
                    + one(List.of("0", "-5", "0.5", "-1.25", "3", "99", "1e1")));
        }
        if (chance(50)) {
            parts.add("\"" + one(List.of("maximum", "exclusiveMaximum")) + "\":"
                    + one(List.of("0", "7", "10.5", "100", "-0.5", "12345", "1E2")));
        }
        if (chance(20)) {
            parts.add("\"multipleOf\":" + one(List.of("2", "5", "0.5", "0.01", "3", "1.0")));
        }
    }

    private void text(List<String> parts) {
        if (chance(80)) {
            parts.add("\"type\":\"string\"");
        }
        if (chance(40)) {
            parts.add("\"minLength\":" + random.nextInt(4));
        }
        if (chance(50)) {
            parts.add("\"maxLength\":" + random.nextInt(6));
        }
        if (chance(40)) {
            parts.add("\"pattern\":\"" + one(PATTERNS) + "\"");
        }
    }

    private void array(List<String> parts, int levels) {
        parts.add("\"type\":\"array\"");
        if (chance(40)) {
            parts.add("\"prefixItems\":[" + schema(levels) + "," + schema(levels) + "]");
        }
        if (chance(60)) {
            parts.add("\"items\":" + (chance(15) ? "false" : schema(levels)));
        }
        if (chance(40)) {
            parts.add("\"minItems\":" + random.nextInt(4));
        }
        if (chance(50)) {
            parts.add("\"maxItems\":" + random.nextInt(5));
        }
        if (chance(20)) {
            parts.add("\"contains\":" + schema(0)
                    + (chance(50) ? ",\"minContains\":" + random.nextInt(3) : "")
                    + (chance(50) ? ",\"maxContains\":" + random.nextInt(4) : ""));
        }
        if (chance(15)) {
            parts.add("\"uniqueItems\":true");
        }
    }

    private void object(List<String> parts, int levels) {
        parts.add("\"type\":\"object\"");
        if (chance(80)) {
            List<String> members = new ArrayList<>();
            NAMES.stream()
                    .filter(name -> chance(40))
                    .forEach(name -> members.add("\"" + name + "\":" + schema(levels)));
            parts.add("\"properties\":{" + String.join(",", members) + "}");
        }
        if (chance(50)) {
            parts.add("\"required\":[\"" + one(NAMES) + "\"]");
        }
        if (chance(50)) {
            parts.add("\"additionalProperties\":" + (chance(60) ? "false" : schema(levels)));
        }
        if (chance(20)) {
            parts.add("\"patternProperties\":{\"" + one(PATTERNS) + "\":" + schema(0) + "}");
        }
        if (chance(15)) {
            parts.add("\"propertyNames\":{\"pattern\":\"" + one(PATTERNS) + "\"}");
        }
        if (chance(15)) {
            parts.add("\"minProperties\":" + random.nextInt(3));
        }
        if (chance(15)) {
            parts.add("\"maxProperties\":" + random.nextInt(4));
        }
        if (chance(10)) {
            parts.add("\"dependentRequired\":{\"" + one(NAMES) + "\":[\"" + one(NAMES) + "\"]}");
        }
        if (chance(10)) {
            parts.add("\"dependentSchemas\":{\"" + one(NAMES) + "\":{\"required\":[\"" + one(NAMES) + "\"]}}");
        }
    }
}
