package dev.nibble.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.jr.ob.JSON;
import dev.nibble.LanguageModel;
import dev.nibble.constraint.Constraint;
import dev.nibble.constraint.ConstraintException;
import dev.nibble.constraint.TokenMasks;
import dev.nibble.gguf.GgufFile;
import dev.nibble.gguf.GgufWriter;
import dev.nibble.model.ModelSource;
import dev.nibble.testdata.Conformance;
import dev.nibble.tokenizer.Tokenizer;
import dev.nibble.tokenizer.Tokenizers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Constraints on the command line: of texts that are there, and of answers. */
class ConstrainCommandTest {
    private static final String SCHEMA = "{\"type\": \"object\", \"properties\": {\"n\": {\"type\": \"integer\", "
            + "\"minimum\": 0, \"maximum\": 99}}, \"required\": [\"n\"], \"additionalProperties\": false}";

    @TempDir
    private Path folder;

    private String model = "";

    @BeforeEach
    void model() throws IOException {
        model = CommandRunner.tinyModel(folder);
    }

    private CommandRunner.Result run(String... arguments) {
        return new CommandRunner(folder).run(arguments);
    }

    private String write(String name, String text) throws IOException {
        return Files.writeString(folder.resolve(name), text).toString();
    }

    @Test
    void eachTextIsToldItsPlaceOfRefusal() throws IOException {
        String lines = write("lines.jsonl", """
                "{\\"n\\":7}"
                "{\\"n\\":700}"
                "{\\"n\\":7"
                "{\\"n\\": 7}"
                "é"
                """);
        for (String split : List.of("own", "bytes", "7")) {
            CommandRunner.Result result = run(
                    "constrain", "-m", model, "--schema", write("s.json", SCHEMA), "--lines", lines, "--split", split);
            assertThat(result.err()).isEmpty();
            assertThat(result.out().lines())
                    .containsExactly(
                            "{\"accepted\":true,\"refused_at\":null}",
                            "{\"accepted\":false,\"refused_at\":7}",
                            "{\"accepted\":false,\"refused_at\":null}",
                            "{\"accepted\":true,\"refused_at\":null}",
                            "{\"accepted\":false,\"refused_at\":0}");
        }
    }

    @Test
    void grammarsAndExpressionsAreReadFromFiles() throws IOException {
        String lines = write("lines.jsonl", "\"ab\"\n\"ac\"\n");
        String accepted = "{\"accepted\":true,\"refused_at\":null}";
        String refused = "{\"accepted\":false,\"refused_at\":1}";
        String grammar = write("g.gbnf", "root ::= \"a\" [b]\n");
        assertThat(run("constrain", "-m", model, "--grammar", grammar, "--lines", lines, "--split", "bytes")
                        .out()
                        .lines())
                .containsExactly(accepted, refused);
        String regex = write("r.txt", "a[b]\n");
        assertThat(run("constrain", "-m", model, "--regex-file", regex, "--lines", lines, "--split", "bytes")
                        .out()
                        .lines())
                .containsExactly(accepted, refused);
    }

    @Test
    void whatCannotBeEnforcedIsRefusedInOneLine() throws IOException {
        String schema = write("s.json", "{\"properties\": {\"a\": {\"unevaluatedItems\": {\"type\": \"string\"}}}}");
        CommandRunner.Result result =
                run("constrain", "-m", model, "--schema", schema, "--lines", write("l.jsonl", "\"1\"\n"));
        assertThat(result.code()).isEqualTo(1);
        assertThat(result.out()).isEmpty();
        assertThat(result.errLines()).hasSize(1);
        assertThat(result.err()).contains("unevaluatedItems").contains("/properties/a");
        assertThat(run("constrain", "-m", model, "--lines", "x").code()).isEqualTo(2);
        assertThat(run("run", "-m", model, "-p", "x", "--choice", "a", "--regex", "b")
                        .code())
                .isEqualTo(2);
    }

    @Test
    void anAnswerIsKeptToItsConstraintOrTheRunFails() throws IOException {
        String schema = write("s.json", SCHEMA);
        CommandRunner.Result whole = run("run", "-m", model, "-p", "abc", "--schema", schema, "--temp", "1.5");
        assertThat(whole.out()).matches("\\{\"n\": ?[0-9]{1,2}}\\R");
        assertThat(whole.code()).isZero();
        CommandRunner.Result cut = run("run", "-m", model, "-p", "abc", "--schema", schema, "-n", "1");
        assertThat(cut.code()).isEqualTo(1);
        assertThat(cut.err())
                .contains("ended by the number of tokens asked for (-n) before it satisfied the JSON schema");
        assertThat(run("run", "-m", model, "-p", "abc", "--choice", "on", "--choice", "off")
                        .out())
                .matches("(on|off)\\R");
        String chatModel = model;
        CommandRunner.Result chat = new CommandRunner(folder)
                .runWithInput("hi\n", "chat", "-m", chatModel, "--regex", "[ab]{3}", "--temp", "0");
        assertThat(chat.err()).isEmpty();
        assertThat(chat.out()).matches("[ab]{3}\\R");
    }

    @Test
    void callsOfToolsArePrinted() throws IOException {
        Path file = folder.resolve("tools.gguf");
        try (GgufFile tiny = GgufFile.open(Path.of(model))) {
            GgufWriter writer = new GgufWriter()
                    .putAll(tiny, key -> true)
                    .putString(
                            "tokenizer.chat_template.tool_use",
                            "{{ tools | length }}{# <tool_call> #}{% for m in messages %}{{ m.content }}{% endfor %}");
            tiny.tensors()
                    .forEach(tensor -> writer.tensor(
                            tensor.name(), tensor.dtype(), tensor.shape(), GgufWriter.TensorData.of(tensor.data())));
            writer.write(file);
        }
        String tools = write(
                "tools.json",
                "[{\"type\": \"function\", \"function\": {\"name\": \"dim\", \"parameters\": " + SCHEMA + "}}]");
        String[] chat = {
            "chat",
            "-m",
            file.toString(),
            "-p",
            "hi",
            "--tools",
            tools,
            "--tool-choice",
            "required",
            "-n",
            "150",
            "-s",
            "1"
        };
        CommandRunner.Result result = run(chat);
        assertThat(result.err()).isEmpty();
        assertThat(result.out().lines())
                .isNotEmpty()
                .allMatch(line -> line.matches("\\{\"name\":\"dim\",\"arguments\":\\{\"n\":[0-9]{1,2}}}"));
        chat[8] = "lost";
        assertThat(run(chat).err()).contains("there is no tool lost");
        chat[2] = model;
        assertThat(run(chat).err()).contains("does not tell how the model calls tools");
    }

    /** The texts of the conformance data, in three cuts of a vocabulary that models have. */
    @Test
    void schemasHoldHoweverTheTextIsCut() throws IOException {
        assumeTrue(Conformance.isPresent(), Conformance.missing());
        Path vocabulary = Conformance.unpack(Conformance.path("tokenizers/llama-spm.gguf.gz"), folder);
        List<String> wrong = new ArrayList<>();
        int texts = 0;
        try (ModelSource source = LanguageModel.open(vocabulary)) {
            Tokenizer tokenizer = Tokenizers.from(source.metadata());
            TokenMasks masks = TokenMasks.of(tokenizer);
            TextCutter cutter = new TextCutter(tokenizer, masks);
            Random random = new Random(1);
            for (String line : Files.readAllLines(Conformance.path("structured/json-schema.jsonl"))) {
                Map<String, Object> test = JSON.std.mapFrom(line);
                Constraint constraint;
                try {
                    constraint = Constraint.jsonSchema(
                            JSON.std.with(JSON.Feature.WRITE_NULL_PROPERTIES).asString(test.get("schema")));
                } catch (ConstraintException e) {
                    continue; // which may be refused is tested elsewhere
                }
                for (String key : List.of("valid", "invalid")) {
                    for (Object text : (List<?>) test.getOrDefault(key, List.of())) {
                        texts++;
                        String value = (String) text;
                        for (int[] cut :
                                List.of(cutter.own(value), cutter.bytes(value), cutter.random(value, random))) {
                            boolean accepted = ConstrainCommand.verdict(constraint, masks, cut)
                                    .contains("true");
                            if (accepted != key.equals("valid")) {
                                wrong.add(test.get("id") + ": " + (accepted ? "accepts " : "refuses ") + value);
                            }
                        }
                    }
                }
            }
        }
        assertThat(wrong).isEmpty();
        assertThat(texts).isGreaterThan(1500);
    }
}
