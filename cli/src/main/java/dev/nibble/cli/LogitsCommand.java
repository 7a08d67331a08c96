package dev.nibble.cli;

import com.fasterxml.jackson.jr.ob.JSON;
import dev.nibble.LanguageModel;
import dev.nibble.LoadOptions;
import dev.nibble.Session;
import dev.nibble.SessionOptions;
import dev.nibble.io.OutputFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
        name = "logits",
        description = "Writes the model's scores after each of the given tokens: the tool for comparing engines.",
        footer = {
            "",
            "FILE receives raw little-endian 32-bit floats, [tokens, vocabSize], row i after token i; standard output a "
                    + "line of JSON with the shape. Nothing is added to the tokens. Unless told otherwise the KV cache and the "
                    + "activations are f32, so that the result is as exact as the weights, and the context is the model's own.",
            "",
            "Examples:",
            "  nibble logits -m model.gguf --tokens 1,2,3 --out logits.f32",
            "  nibble logits -m model.gguf --tokens 1,2,3 --out logits.f32 --greedy 16",
            "  nibble logits -m model.gguf --tokens 1,2,3 --out fast.f32 --kv f16 --activations q8"
        })
final class LogitsCommand extends ModelCommand {
    @Mixin
    private final ModelArgument model = new ModelArgument();

    @Option(names = "--tokens", required = true, paramLabel = "IDS", description = "Token ids, separated by commas.")
    @SuppressWarnings("NullAway.Init")
    private String tokens;

    @Option(
            names = {"-o", "--out"},
            required = true,
            paramLabel = "FILE",
            description = "Where the logits go.")
    @SuppressWarnings("NullAway.Init")
    private Path out;

    @Option(
            names = "--greedy",
            paramLabel = "N",
            description = "Add the next N ids of greedy decoding, which does not stop at end tokens, to the JSON.")
    private int greedy;

    @Override
    void execute() throws IOException {
        int[] ids = Logits.parseTokens("--tokens", tokens);
        if (greedy < 0) {
            throw new UsageException("--greedy must be 0 or more, not " + greedy);
        }
        try (LanguageModel loaded = load(open(model.locator()), LoadOptions.EXACT);
                Session session = loaded.newSession(SessionOptions.DEFAULT.withPrivate(true))) {
            int vocabSize = loaded.config().vocabSize();
            requireTokens(ids, vocabSize);
            int next = write(session, ids, vocabSize);
            Map<String, Object> shape = new LinkedHashMap<>();
            shape.put("tokens", ids.length);
            shape.put("vocab_size", vocabSize);
            shape.put("shape", List.of(ids.length, vocabSize));
            shape.put("dtype", "f32");
            shape.put("file", out.toString());
            if (greedy > 0) {
                shape.put("greedy", decode(session, next, vocabSize));
            }
            out().println(JSON.std.asString(shape));
        }
    }

    private static void requireTokens(int[] ids, int vocabSize) {
        for (int id : ids) {
            if (id < 0 || id >= vocabSize) {
                throw new UsageException(
                        "--tokens: " + id + " is not a token of this model, whose ids are 0 to " + (vocabSize - 1));
            }
        }
    }

    /** Evaluates the tokens, writes their logits, and returns the best token after the last. */
    private int write(Session session, int[] ids, int vocabSize) throws IOException {
        if (ids.length > session.contextLength()) {
            throw new dev.nibble.ContextOverflowException(ids.length, session.contextLength(), session.contextLength());
        }
        int rows = Logits.rowsAtOnce(vocabSize);
        ByteBuffer bytes = ByteBuffer.allocate(vocabSize * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        int best = 0;
        try (OutputFile file = OutputFile.create(out, (long) ids.length * vocabSize * Float.BYTES)) {
            for (int from = 0; from < ids.length; from += rows) {
                int[] chunk = Arrays.copyOfRange(ids, from, Math.min(ids.length, from + rows));
                float[] logits = session.evaluate(chunk, true);
                for (int row = 0; row < chunk.length; row++) {
                    Logits.requireNumbers(
                            logits,
                            row * vocabSize,
                            vocabSize,
                            from + row,
                            modelOptions().kv(LoadOptions.EXACT));
                    bytes.clear();
                    bytes.asFloatBuffer().put(logits, row * vocabSize, vocabSize);
                    file.channel().write(bytes);
                }
                best = Logits.argmax(logits, (chunk.length - 1) * vocabSize, vocabSize);
            }
            file.commit();
        }
        return best;
    }

    private List<Integer> decode(Session session, int first, int vocabSize) {
        List<Integer> chosen = new ArrayList<>();
        chosen.add(first);
        while (chosen.size() < greedy) {
            float[] logits = session.evaluate(new int[] {chosen.get(chosen.size() - 1)}, false);
            Logits.requireNumbers(
                    logits, 0, vocabSize, session.length() - 1, modelOptions().kv(LoadOptions.EXACT));
            chosen.add(Logits.argmax(logits, 0, vocabSize));
        }
        return chosen;
    }
}
