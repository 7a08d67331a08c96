package dev.nibble.benchmarks.constraints;

import dev.nibble.constraint.Constraint;
import dev.nibble.constraint.ConstraintException;
import dev.nibble.constraint.Matcher;
import dev.nibble.constraint.TokenMasks;
import dev.nibble.gguf.GgufFile;
import dev.nibble.json.JsonReader;
import dev.nibble.json.JsonValues;
import dev.nibble.tokenizer.Tokenizer;
import dev.nibble.tokenizer.Tokenizers;
import dev.nibble.tokenizer.Vocabulary;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;

/**
 * What the masks of JSON schemas cost, as MaskBench counts it: each schema is compiled, each of its texts is cut into tokens,
 * and before every token, and at the end, the mask of all tokens is made. With a folder as the last argument, the vocabulary
 * and the tokens are written there for {@code mask_bench_llguidance.py}.
 */
public final class MaskBench {
    static final String USAGE = """
            usage: MaskBench VOCABULARY.gguf SCHEMAS.jsonl [TOKENS [ROUNDS [FOLDER]]]
              SCHEMAS.jsonl   a "schema" and its "valid" texts on each line
              TOKENS          fill the vocabulary up to so many (0: as it is)
              ROUNDS          over all schemas, the last one counts (5)
              FOLDER          where to write what is needed to measure others""";

    private record Case(String schema, List<int[]> texts) {}

    private final Tokenizer tokenizer;
    private final List<Case> cases = new ArrayList<>();

    private MaskBench(Tokenizer tokenizer, Path schemas) throws IOException {
        this.tokenizer = tokenizer;
        for (String line : Files.readAllLines(schemas)) {
            Map<?, ?> test = (Map<?, ?>) JsonReader.read(line, "the case");
            String schema = JsonValues.write(Objects.requireNonNull(test.get("schema")));
            List<int[]> texts = new ArrayList<>();
            for (Object text : (List<?>) Objects.requireNonNull(test.get("valid"))) {
                texts.add(tokenizer.encode((String) text, Tokenizer.Options.PLAIN));
            }
            try {
                Constraint.jsonSchema(schema);
                cases.add(new Case(schema, texts));
            } catch (ConstraintException e) {
                // refused by name: nothing to measure
            }
        }
    }

    /** Measures; the arguments are those of the usage. */
    public static void main(String[] args) throws IOException {
        if (args.length < 2) {
            System.err.println(USAGE);
            System.exit(2);
        }
        try (GgufFile file = GgufFile.open(Path.of(args[0]))) {
            Tokenizer tokenizer = Tokenizers.from(file.metadata());
            int size = args.length > 2 ? Integer.parseInt(args[2]) : 0;
            if (size > tokenizer.vocabulary().size()) {
                tokenizer = new LargerTokenizer(tokenizer, size);
            }
            MaskBench bench = new MaskBench(tokenizer, Path.of(args[1]));
            if (args.length > 4) {
                bench.export(Path.of(args[4]));
            }
            bench.run(args.length > 3 ? Integer.parseInt(args[3]) : 5, System.out);
        }
    }

    private void run(int rounds, PrintStream out) {
        double[] builds = new double[rounds];
        for (int round = 0; round < rounds; round++) {
            long start = System.nanoTime();
            TokenMasks masks = TokenMasks.of(tokenizer);
            builds[round] = (System.nanoTime() - start) / 1e6;
            if (round == 0 || round == rounds - 1) {
                measure(masks, round == 0 ? "first" : "warm", out);
            } else {
                measure(masks, "", new PrintStream(PrintStream.nullOutputStream()));
            }
        }
        out.printf(Locale.ROOT, "trie   first %.0f ms, median %.0f ms%n", builds[0], median(builds));
    }

    private static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }

    private void measure(TokenMasks masks, String name, PrintStream out) {
        Times compile = new Times();
        Times first = new Times();
        Times mask = new Times();
        Times accept = new Times();
        long[] bits = new long[0];
        int left = 0;
        for (Case test : cases) {
            long start = System.nanoTime();
            Constraint constraint = Constraint.jsonSchema(test.schema);
            Matcher begin = constraint.matcher(masks);
            compile.add(System.nanoTime() - start);
            bits = bits.length == begin.maskWords() ? bits : new long[begin.maskWords()];
            for (int[] text : test.texts) {
                Matcher matcher = begin;
                for (int i = 0; i <= text.length; i++) {
                    start = System.nanoTime();
                    matcher.mask(bits);
                    long took = System.nanoTime() - start;
                    mask.add(took);
                    if (i == 0 && text == test.texts.getFirst()) {
                        first.add(took);
                    }
                    if (i < text.length) {
                        start = System.nanoTime();
                        Matcher next = matcher.next(text[i]);
                        accept.add(System.nanoTime() - start);
                        if (next == null) {
                            left++;
                            break;
                        }
                        matcher = next;
                    }
                }
            }
        }
        out.println(name + ": " + cases.size() + " schemas, "
                + tokenizer.vocabulary().size() + " tokens, " + mask.count + " masks"
                + (left == 0 ? "" : ", " + left + " texts left"));
        compile.print("compile", out);
        first.print("first mask", out);
        mask.print("mask", out);
        accept.print("accept", out);
    }

    private void export(Path folder) throws IOException {
        Files.createDirectories(folder);
        Vocabulary vocabulary = tokenizer.vocabulary();
        StringBuilder lines = new StringBuilder();
        for (int id = 0; id < vocabulary.size(); id++) {
            boolean special = vocabulary.isControl(id);
            byte[] bytes = special ? vocabulary.text(id).getBytes(StandardCharsets.UTF_8) : tokenizer.bytes(id);
            lines.append(special ? "!" : "")
                    .append(HexFormat.of().formatHex(bytes))
                    .append('\n');
        }
        Files.writeString(folder.resolve("vocabulary.txt"), lines);
        StringBuilder written = new StringBuilder();
        for (Case test : cases) {
            written.append("{\"schema\":").append(test.schema).append(",\"texts\":[");
            for (int i = 0; i < test.texts.size(); i++) {
                written.append(i == 0 ? "" : ",").append(Arrays.toString(test.texts.get(i)));
            }
            written.append("]}\n");
        }
        Files.writeString(folder.resolve("cases.jsonl"), written);
    }

    /** Times of one kind, in nanoseconds. */
    private static final class Times {
        private long[] nanos = new long[1024];
        private int count;

        void add(long took) {
            if (count == nanos.length) {
                nanos = Arrays.copyOf(nanos, 2 * count);
            }
            nanos[count++] = took;
        }

        void print(String name, PrintStream out) {
            long[] sorted = Arrays.copyOf(nanos, count);
            Arrays.sort(sorted);
            out.printf(
                    Locale.ROOT,
                    "%-11s avg %.1f p50 %.1f p90 %.1f p99 %.1f p99.9 %.1f max %.1f us%n",
                    name,
                    Arrays.stream(sorted).average().orElse(0) / 1e3,
                    at(sorted, 0.5),
                    at(sorted, 0.9),
                    at(sorted, 0.99),
                    at(sorted, 0.999),
                    at(sorted, 1));
        }

        private static double at(long[] sorted, double share) {
            return sorted.length == 0 ? 0 : sorted[(int) Math.min(sorted.length - 1, share * sorted.length)] / 1e3;
        }
    }
}
