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
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
        name = "logits",
        description = "Writes the model's scores after each of the given tokens: the tool for comparing engines.",
        footer = {
            "",
            "FILE receives raw little-endian 32-bit floats, [tokens, vocabSize], row i after token i; standard output a "
                    + "line of JSON with the shape. Nothing is added to the tokens. A model with an encoder, as T5, answers the tokens of "
                    + "--encoder-tokens with those of --tokens; in a diffusion model, as LLaDA, each token sees all others. Unless told otherwise the KV cache and the "
                    + "activations are f32, so that the result is as exact as the weights, and the context is the model's own.",
            "",
            "Examples:",
            "  nibble logits -m model.gguf --tokens 1,2,3 --out logits.f32",
            "  nibble logits -m model.gguf --tokens 1,2,3 --out logits.f32 --greedy 16",
            "  nibble logits -m t5.gguf --encoder-tokens 7,8,9,1 --tokens 0,2,3 --out logits.f32",
            "  nibble logits -m model.gguf --tokens 1,2,3 --out fast.f32 --kv f16 --activations q8"
        })
final class LogitsCommand extends ModelCommand {
    @Mixin
    private final ModelArgument model = new ModelArgument();

    @Option(names = "--tokens", required = true, paramLabel = "IDS", description = "Token ids, separated by commas.")
    @SuppressWarnings("NullAway.Init")
    private String tokens;

    @Option(
            names = "--encoder-tokens",
            paramLabel = "IDS",
            description = "What the encoder of the model reads, if it has one.")
    private @Nullable String encoderTokens;

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
        int[] read = encoderTokens == null ? null : Logits.parseTokens("--encoder-tokens", encoderTokens);
        if (greedy < 0) {
            throw new UsageException("--greedy must be 0 or more, not " + greedy);
        }
        try (LanguageModel loaded = load(open(model.locator()), LoadOptions.EXACT);
                Session session = loaded.newSession(SessionOptions.DEFAULT.withPrivate(true))) {
            int vocabSize = loaded.config().vocabSize();
            requireTokens("--tokens", ids, vocabSize);
            encode(loaded, session, read);
            if (greedy > 0 && !loaded.canGenerate()) {
                throw new UsageException("--greedy: the model fills in masked tokens, it does not go on with a text");
            }
            // where each token sees all others, there is nothing to read in parts
            int rows = loaded.canGenerate() ? Logits.rowsAtOnce(vocabSize) : ids.length;
            int next = write(session, ids, vocabSize, rows);
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

    private static void encode(LanguageModel loaded, Session session, int @Nullable [] read) {
        boolean reads = loaded.decoderStartToken().isPresent();
        if (read == null && reads) {
            throw new UsageException("--encoder-tokens is needed: the model has an encoder, whose text it answers");
        }
        if (read != null) {
            if (!reads) {
                throw new UsageException("--encoder-tokens: the model has no encoder");
            }
            requireTokens("--encoder-tokens", read, loaded.config().vocabSize());
            session.encode(read);
        }
    }

    private static void requireTokens(String option, int[] ids, int vocabSize) {
        for (int id : ids) {
            if (id < 0 || id >= vocabSize) {
                throw new UsageException(
                        option + ": " + id + " is not a token of this model, whose ids are 0 to " + (vocabSize - 1));
            }
        }
    }

    /** Evaluates the tokens, writes their logits, and returns the best token after the last. */
    private int write(Session session, int[] ids, int vocabSize, int rows) throws IOException {
        if (ids.length > session.contextLength()) {
            throw new dev.nibble.ContextOverflowException(ids.length, session.contextLength(), session.contextLength());
        }
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
