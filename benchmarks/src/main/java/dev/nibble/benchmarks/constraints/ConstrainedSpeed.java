package dev.nibble.benchmarks.constraints;

import dev.nibble.Generation;
import dev.nibble.GenerationOptions;
import dev.nibble.GenerationStats;
import dev.nibble.LanguageModel;
import dev.nibble.LoadOptions;
import dev.nibble.Session;
import dev.nibble.Speculation;
import dev.nibble.constraint.Constraint;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;

/**
 * Tokens a second of a model with a JSON schema and without, in pairs, in one process. Tokens that the schema leaves no choice
 * about are evaluated several at a time and are counted apart; nothing is guessed ahead.
 */
public final class ConstrainedSpeed {
    private static final String PROMPT =
            "A list of twenty towns with their country, people and a remark on each, as JSON:\n";
    private static final String SCHEMA = """
            {"type": "array", "minItems": 100, "items": {"type": "object", "additionalProperties": false,
             "properties": {"town": {"type": "string", "maxLength": 40}, "country": {"type": "string"},
              "people": {"type": "integer", "minimum": 0}, "remark": {"type": "string", "minLength": 20, "maxLength": 200}},
             "required": ["town", "country", "people", "remark"]}}""";

    private ConstrainedSpeed() {}

    /** Measures: the model, how many pairs (20), how many tokens (128). */
    public static void main(String[] args) throws IOException {
        if (args.length < 1) {
            System.err.println("usage: ConstrainedSpeed MODEL.gguf [PAIRS [TOKENS]]");
            System.exit(2);
        }
        int pairs = args.length > 1 ? Integer.parseInt(args[1]) : 20;
        int tokens = args.length > 2 ? Integer.parseInt(args[2]) : 128;
        for (boolean greedy : new boolean[] {true, false}) {
            GenerationOptions free = (greedy ? GenerationOptions.GREEDY : GenerationOptions.DEFAULT.withSeed(1))
                    .withMaxTokens(tokens)
                    .withIgnoreEndOfGeneration(true)
                    .withSpeculation(Speculation.none());
            GenerationOptions constrained = free.withConstraint(Constraint.jsonSchema(SCHEMA));
            try (LanguageModel model = LanguageModel.load(Path.of(args[0]), LoadOptions.DEFAULT);
                    Session session = model.newSession()) {
                double[] plain = new double[pairs];
                double[] chosen = new double[pairs];
                double[] all = new double[pairs];
                int forced = 0;
                for (int pair = -pairs / 2; pair < pairs; pair++) { // the first ones warm up
                    boolean first = (pair & 1) == 0;
                    GenerationStats one = generated(session, first ? free : constrained);
                    GenerationStats other = generated(session, first ? constrained : free);
                    if (pair >= 0) {
                        GenerationStats under = first ? other : one;
                        plain[pair] = speed(first ? one : other, 0);
                        chosen[pair] = speed(under, under.forcedTokens()) / plain[pair];
                        all[pair] = speed(under, 0) / plain[pair];
                        forced = under.forcedTokens();
                    }
                }
                System.out.printf(
                        Locale.ROOT,
                        "%s: %.1f tokens/s without; with the schema %.3f times as many chosen (%.3f to %.3f), %.3f times"
                                + " with the %d of %d forced ones%n",
                        greedy ? "greedy" : "sampled",
                        at(plain, 0.5),
                        at(chosen, 0.5),
                        at(chosen, 0.25),
                        at(chosen, 0.75),
                        at(all, 0.5),
                        forced,
                        tokens);
            }
        }
    }

    private static GenerationStats generated(Session session, GenerationOptions options) {
        session.reset();
        Generation generation = session.generate(PROMPT, options);
        return generation.stats();
    }

    private static double speed(GenerationStats stats, int left) {
        return (stats.generatedTokens() - left) / (stats.generationTime().toNanos() / 1e9);
    }

    private static double at(double[] values, double share) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[(int) Math.min(sorted.length - 1, share * sorted.length)];
    }
}
