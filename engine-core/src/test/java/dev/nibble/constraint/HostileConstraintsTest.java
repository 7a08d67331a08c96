package dev.nibble.constraint;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nibble.json.JsonValues;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.IntFunction;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Constraints made to exhaust time, memory or the stack: each is compiled and walked through, or refused, soon. */
class HostileConstraintsTest {
    /** Many times what any of them takes, for slow and busy machines. */
    private static final int MAX_WAIT_MILLIS = 60_000;

    record Case(String name, Supplier<Constraint> constraint) {
        @Override
        public String toString() {
            return name;
        }
    }

    private static String repeat(String open, int times, String inner, String close) {
        return open.repeat(times) + inner + close.repeat(times);
    }

    private static String list(int count, IntFunction<String> item, String separator) {
        return IntStream.range(0, count).mapToObj(item).collect(Collectors.joining(separator));
    }

    private static String texts(int count) {
        return list(count, i -> "\"value number " + i * 7919 + "\"", ",");
    }

    private static String members(int count) {
        return list(count, i -> "\"property_" + i + "\":{\"type\":\"string\"}", ",");
    }

    static Stream<Case> cases() {
        List<Case> cases = new ArrayList<>();
        schemas(cases);
        expressions(cases);
        grammars(cases);
        assertThat(cases).hasSizeGreaterThan(60);
        return cases.stream();
    }

    private static void schemas(List<Case> cases) {
        List<String> schemas = List.of(
                repeat("{\"type\":\"array\",\"items\":", 400, "{}", "}"),
                repeat("{\"type\":\"array\",\"items\":", 5000, "{}", "}"),
                repeat("{\"not\":", 300, "{\"type\":\"string\"}", "}"),
                "{\"enum\":[" + repeat("[", 3000, "", "]") + "]}",
                "{\"allOf\":["
                        + list(
                                12,
                                i -> "{\"anyOf\":[{\"required\":[\"a" + i + "\"]},{\"required\":[\"b" + i + "\"]}]}",
                                ",")
                        + "]}",
                "{\"allOf\":["
                        + list(
                                9,
                                i -> "{\"anyOf\":[{\"properties\":{\"a" + i
                                        + "\":{\"type\":\"string\"}}},{\"properties\":{\"a" + i
                                        + "\":{\"type\":\"number\"}}}]}",
                                ",")
                        + "]}",
                "{\"$ref\":\"#/$defs/a\",\"$defs\":{\"a\":{\"$ref\":\"#/$defs/b\"},\"b\":{\"$ref\":\"#/$defs/a\"}}}",
                bomb("anyOf"),
                bomb("allOf"),
                bomb("prefixItems"),
                "{\"enum\":[" + texts(20_000) + "]}",
                "{\"enum\":[" + list(20_000, i -> "" + i * 7919, ",") + "]}",
                "{\"type\":\"string\",\"not\":{\"enum\":[" + texts(5000) + "]}}",
                "{\"allOf\":[{\"enum\":[" + texts(5000) + "]},{\"enum\":[" + texts(5001) + "]}]}",
                "{\"enum\":[1e900,1e-900,1e999]}",
                "{\"type\":\"object\",\"properties\":{" + members(5000) + "}}",
                "{\"type\":\"object\",\"properties\":{" + members(3000) + "},\"additionalProperties\":false}",
                "{\"type\":\"object\",\"properties\":{" + members(1000)
                        + "},\"minProperties\":300,\"maxProperties\":600,\"additionalProperties\":false}",
                "{\"type\":\"string\",\"minLength\":1000000,\"maxLength\":2000000000}",
                "{\"type\":\"string\",\"pattern\":\"^[a-z]+$\",\"minLength\":10000,\"maxLength\":1000000}",
                "{\"type\":\"string\",\"pattern\":\"a\",\"minLength\":500,\"maxLength\":1000}",
                "{\"format\":\"uri\",\"maxLength\":2000}",
                "{\"type\":\"array\",\"items\":{\"type\":\"integer\"},\"minItems\":1000000,\"maxItems\":2000000}",
                "{\"type\":\"array\",\"contains\":{\"const\":1},\"minContains\":100000,\"maxContains\":1000000}",
                "{\"type\":\"array\",\"allOf\":["
                        + list(8, i -> "{\"contains\":{\"const\":" + i + "},\"minContains\":5,\"maxContains\":9}", ",")
                        + "],\"maxItems\":1000}",
                "{\"type\":\"array\",\"uniqueItems\":true,\"items\":{\"enum\":[" + list(12, i -> "" + i, ",")
                        + "]},\"minItems\":12}",
                "{\"patternProperties\":{"
                        + list(6, i -> "\"" + "ab".charAt(i % 2) + ".{" + i * 3 + "}x\":{\"type\":\"string\"}", ",")
                        + "}}",
                "{\"type\":\"integer\",\"multipleOf\":9973,\"minimum\":-1e30,\"maximum\":1e30}",
                "{\"allOf\":[{\"multipleOf\":97},{\"multipleOf\":89},{\"multipleOf\":83}]}",
                "{\"type\":\"number\",\"minimum\":" + "1".repeat(390) + ",\"maximum\":" + "2".repeat(390) + "}",
                "{\"minimum\":1e-300000000,\"maximum\":1e300000000}",
                "{\"oneOf\":[" + list(10, i -> "{\"type\":\"string\",\"pattern\":\"" + (char) ('a' + i) + "\"}", ",")
                        + "]}",
                "{\"allOf\":[{\"format\":\"uri\"},{\"format\":\"email\"},{\"format\":\"ipv6\"},{\"format\":\"hostname\"}]}",
                "{\"properties\":{\"" + "k".repeat(200_000) + "\":{}},\"required\":[\"" + "k".repeat(200_000) + "\"]}",
                "{\"allOf\":[" + list(3000, i -> "{\"properties\":{\"p" + i + "\":{}}}", ",") + "]}");
        for (String schema : schemas) {
            cases.add(new Case("schema " + shortened(schema), () -> Constraint.jsonSchema(schema)));
        }
    }

    /** A schema that is a tree of 2^25 parts where its references are followed. */
    private static String bomb(String keyword) {
        return "{\"$ref\":\"#/$defs/d0\",\"$defs\":{"
                + list(
                        25,
                        i -> "\"d" + i + "\":{\"" + keyword + "\":[{\"$ref\":\"#/$defs/d" + (i + 1)
                                + "\"},{\"$ref\":\"#/$defs/d" + (i + 1) + "\"}]}",
                        ",")
                + ",\"d25\":{\"type\":\"string\"}}}";
    }

    private static void expressions(List<Case> cases) {
        List<String> patterns = List.of(
                "a{0,1000000}",
                "((a{0,1000}b){0,1000}c){0,1000}",
                "(a|b)*a(a|b){20}",
                "(a+)+b",
                "(a*)*(a*)*(a*)*(a*)*b",
                "(a{1,300}){1,300}",
                "(a?){1000}a{1000}",
                "(ab?){0,500}(a?b){0,500}(aab?){0,500}",
                repeat("(", 190, "a", ")"),
                repeat("(", 5000, "a", ")"),
                list(20_000, i -> "w" + i * 7919, "|"),
                list(300, i -> (char) ('a' + i % 26) + "?", ""),
                "\\P{Lu}".repeat(100),
                "abc".repeat(100_000),
                "[" + list(30_000, i -> "\\u{" + Integer.toHexString(0x4E00 + i) + "}", "") + "]",
                ".*".repeat(500) + "x",
                "(^a|b$|c)?".repeat(200));
        for (String pattern : patterns) {
            cases.add(new Case("regex " + shortened(pattern), () -> Constraint.regex(pattern)));
        }
        for (String pattern : patterns.subList(0, 8)) {
            String schema = "{\"type\":\"string\",\"pattern\":" + JsonValues.write(pattern) + "}";
            cases.add(new Case("pattern " + shortened(pattern), () -> Constraint.jsonSchema(schema)));
        }
    }

    private static void grammars(List<Case> cases) {
        List<String> grammars = List.of(
                "root ::= root \"a\" | \"b\"",
                "root ::= a root \"x\" | \"b\"\na ::= \"\" | \"c\"",
                chain(30, " ", "") + "r30 ::= \"a\"",
                chain(30, " \"x\" | ", " \"y\"") + "r30 ::= \"a\"",
                "root ::= ((((\"a\"{0,1000}){0,1000}){0,1000}){0,1000})",
                "root ::= \"ab\"{1000000,2000000}",
                "root ::= s\ns ::= \"a\" s s | \"a\"",
                "root ::= s s s\ns ::= \"a\" | \"a\" s | \"a\" s s",
                "root ::= (a* b*)* \"x\"\na ::= \"\" | \"a\"\nb ::= \"\" | \"b\" | a",
                "root ::= \"a\" root root | \"\"",
                "root ::= " + repeat("(", 5000, "\"a\"", ")"),
                list(20_000, i -> (i == 0 ? "root" : "r" + i) + " ::= \"a\" r" + (i + 1), "\n") + "\nr20000 ::= \"b\"",
                list(5000, i -> (i == 0 ? "root" : "r" + i) + " ::= r" + (i + 1) + " \"a\"", "\n")
                        + "\nr5000 ::= \"b\"",
                "root ::= " + list(20_000, i -> "\"w" + i * 7919 + "\"", " | "),
                "root ::= \"a\" root",
                "root ::= \"" + "a".repeat(100_000),
                "# " + "x".repeat(1_000_000) + "\nroot ::= \"a\"",
                "root ::= " + "\"a\"? ".repeat(3000),
                "root ::= " + repeat("(", 150, "[ab] \"c\"?", "+)+"));
        for (String grammar : grammars) {
            cases.add(new Case("grammar " + shortened(grammar), () -> Constraint.grammar(grammar)));
        }
    }

    /** Rules of which each calls the next one twice. */
    private static String chain(int length, String between, String after) {
        return list(
                length,
                i -> (i == 0 ? "root" : "r" + i) + " ::= r" + (i + 1) + between + "r" + (i + 1) + after + "\n",
                "");
    }

    private static String shortened(String text) {
        return text.length() <= 60 ? text : text.substring(0, 60) + "... of " + text.length() + " characters";
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("cases")
    void isCompiledAndWalkedThroughOrRefusedSoon(Case hostile) throws InterruptedException {
        Outcome outcome = new Outcome(hostile);
        Thread thread = new Thread(outcome, "hostile constraint");
        thread.setDaemon(true);
        thread.start();
        thread.join(MAX_WAIT_MILLIS);
        assertThat(thread.isAlive()).as("still at it").isFalse();
        assertThat(outcome.failure).isNull();
    }

    private static final class Outcome implements Runnable {
        private final Case hostile;
        private volatile @Nullable Throwable failure;

        Outcome(Case hostile) {
            this.hostile = hostile;
        }

        @Override
        @SuppressWarnings("CatchingUnchecked") // an error, such as that of a full stack, is a failure to be told of
        public void run() {
            try {
                Constraint constraint = hostile.constraint.get();
                for (int walk = 0; walk < 3; walk++) {
                    RandomWalk.text(constraint, new Random(walk), 100);
                }
            } catch (ConstraintException e) {
                failure = String.valueOf(e.getMessage()).isBlank() ? e : null;
            } catch (Throwable e) {
                failure = e;
            }
        }
    }
}
