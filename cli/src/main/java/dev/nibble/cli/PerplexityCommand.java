package dev.nibble.cli;

import dev.nibble.LanguageModel;
import dev.nibble.LoadOptions;
import dev.nibble.Session;
import dev.nibble.SessionOptions;
import dev.nibble.UnsupportedModelException;
import dev.nibble.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
        name = "perplexity",
        description = "Prints how surprised the model is by a text: lower is better.",
        footer = {
            "",
            "The text is cut into windows of --ctx tokens. Each is evaluated from an empty cache and its second half is "
                    + "scored, as llama-perplexity does; what remains at the end is dropped. The result goes to standard output, "
                    + "the running value after each window to standard error.",
            "",
            "Examples:",
            "  nibble perplexity -m model.gguf -f text.txt",
            "  nibble perplexity -m model.gguf -f text.txt --ctx 2048 --kv f32 --activations f32"
        })
final class PerplexityCommand extends ModelCommand {
    private static final int USUAL_WINDOW = 512;

    @Mixin
    private final ModelArgument model = new ModelArgument();

    @Option(
            names = {"-f", "--file"},
            required = true,
            paramLabel = "FILE",
            description = "The text, - for standard input.")
    @SuppressWarnings("NullAway.Init")
    private Path file;

    @Override
    void execute() throws IOException {
        Integer asked = modelOptions().context();
        int window = asked == null ? USUAL_WINDOW : asked;
        if (window < 4) {
            throw new UsageException("--ctx must be 4 or more for windows with a second half, not " + window);
        }
        String text = Input.text(file, streams().in());
        try (LanguageModel loaded = load(open(model.locator()), LoadOptions.DEFAULT);
                Session session = openSession(loaded, window)) {
            int[] tokens = loaded.tokenizer().encode(text, Tokenizer.Options.PLAIN.withAddSpecial(true));
            int windows = tokens.length / window;
            if (windows == 0) {
                throw new IOException("the text has " + tokens.length + " tokens, less than one window of " + window
                        + "; give a longer text or a smaller --ctx");
            }
            err().println(tokens.length + " tokens, " + windows + " windows of " + window + " ("
                    + loaded.backendDescription() + ")");
            out().println(String.format(Locale.ROOT, "%.4f", perplexity(loaded, session, tokens, window)));
        }
    }

    private static Session openSession(LanguageModel loaded, int window) {
        if (!loaded.canGenerate() || loaded.decoderStartToken().isPresent()) {
            throw new UnsupportedModelException("this model (" + loaded.config().architecture()
                    + ") does not go on with the text it reads, so it has no perplexity");
        }
        return loaded.newSession(
                SessionOptions.DEFAULT.withContextLength(window).withPrivate(true));
    }

    private double perplexity(LanguageModel loaded, Session session, int[] tokens, int window) {
        int windows = tokens.length / window;
        boolean addBos = loaded.tokenizer().vocabulary().addBos();
        int bos = loaded.tokenizer().vocabulary().bosId().orElse(-1);
        double sum = 0;
        long scored = 0;
        long begun = System.nanoTime();
        for (int index = 0; index < windows; index++) {
            int[] part = Arrays.copyOfRange(tokens, index * window, (index + 1) * window);
            if (addBos && bos >= 0) {
                part[0] = bos;
            }
            session.reset();
            sum += score(session, part, loaded.config().vocabSize());
            scored += window - 1 - window / 2;
            double left = (System.nanoTime() - begun) * 1e-9 / (index + 1) * (windows - index - 1);
            err().println(String.format(
                    Locale.ROOT,
                    "window %d of %d: %.4f (%s left)",
                    index + 1,
                    windows,
                    Math.exp(-sum / scored),
                    Units.duration(left)));
        }
        return Math.exp(-sum / scored);
    }

    /** The sum of the log-probabilities of the tokens after the first half. */
    private double score(Session session, int[] part, int vocabSize) {
        int half = part.length / 2;
        session.evaluate(Arrays.copyOf(part, half), false);
        int rows = Logits.rowsAtOnce(vocabSize);
        double sum = 0;
        // The last token's own logits predict nothing that is scored.
        for (int from = half; from < part.length - 1; from += rows) {
            int to = Math.min(part.length - 1, from + rows);
            float[] logits = session.evaluate(Arrays.copyOfRange(part, from, to), true);
            for (int position = from; position < to; position++) {
                Logits.requireNumbers(
                        logits,
                        (position - from) * vocabSize,
                        vocabSize,
                        position,
                        modelOptions().kv(LoadOptions.DEFAULT));
                sum += Logits.logProbability(logits, (position - from) * vocabSize, vocabSize, part[position + 1]);
            }
        }
        return sum;
    }
}
