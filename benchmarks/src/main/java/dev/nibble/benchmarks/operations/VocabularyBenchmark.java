package dev.nibble.benchmarks.operations;

import dev.nibble.gguf.GgufFile;
import dev.nibble.testdata.ByteVocabulary;
import dev.nibble.tokenizer.StreamingDetokenizer;
import dev.nibble.tokenizer.Tokenizer;
import dev.nibble.tokenizer.Tokenizers;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** What grows with a vocabulary: opening a file with one, and text to tokens and back, a byte-pair encoding of words. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@SuppressWarnings("NullAway.Init") // the fields are set before the benchmark runs
public class VocabularyBenchmark {
    /** Tokens. */
    @Param("150000")
    public int vocabSize;

    /** Words of the text. */
    @Param("1000")
    public int words;

    private Path path;
    private Tokenizer tokenizer;
    private String text = "";
    private int[] ids = {};
    private Map<String, Integer> ranks = Map.of();
    private Map<String, Integer> tokens = Map.of();

    /** Writes the file, draws a text. */
    @Setup
    public void setUp() throws IOException {
        path = Files.createTempFile("nibble-vocabulary", ".gguf");
        ByteVocabulary vocabulary = new ByteVocabulary(vocabSize);
        vocabulary.write(path);
        tokens = new HashMap<>();
        vocabulary.tokens().forEach(token -> tokens.put(token, tokens.size()));
        ranks = new HashMap<>();
        vocabulary.merges().forEach(merge -> ranks.put(merge, ranks.size()));
        try (GgufFile file = GgufFile.open(path)) {
            tokenizer = Tokenizers.from(file.metadata());
        }
        SplittableRandom random = new SplittableRandom(1);
        StringBuilder drawn = new StringBuilder();
        for (int i = 0; i < words; i++) {
            drawn.append(i == 0 ? "" : " ");
            for (int letters = random.nextInt(2, 10); letters > 0; letters--) {
                drawn.append((char) ('a' + random.nextInt(26)));
            }
        }
        text = drawn.toString();
        ids = encode();
    }

    /** Deletes the file. */
    @TearDown
    public void tearDown() throws IOException {
        Files.delete(path);
    }

    /** Opening a file: mapping, parsing and checking it. */
    @Benchmark
    public int open() throws IOException {
        try (GgufFile file = GgufFile.open(path)) {
            return file.tensors().size()
                    + file.metadata().requireString("tokenizer.ggml.model").length();
        }
    }

    /** The least that has to be done for it: all bytes read, one string after the other. */
    @Benchmark
    public int openOracle() throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(path)).order(ByteOrder.LITTLE_ENDIAN);
        return PlainGguf.strings(bytes);
    }

    /** From an open file to a tokenizer that can be used. */
    @Benchmark
    public Tokenizer load() throws IOException {
        try (GgufFile file = GgufFile.open(path)) {
            return Tokenizers.from(file.metadata());
        }
    }

    /** Text to tokens. */
    @Benchmark
    public int[] encode() {
        return tokenizer.encode(text, Tokenizer.Options.PLAIN);
    }

    /** The same by the book: in each word the first of all merges, again and again. */
    @Benchmark
    public int[] encodeOracle() {
        List<Integer> encoded = new ArrayList<>();
        for (String word : text.replace(" ", " \u0120").split(" ")) {
            List<String> parts =
                    new ArrayList<>(word.chars().mapToObj(Character::toString).toList());
            while (true) {
                int best = -1;
                int rank = Integer.MAX_VALUE;
                for (int i = 0; i < parts.size() - 1; i++) {
                    int found = ranks.getOrDefault(parts.get(i) + " " + parts.get(i + 1), Integer.MAX_VALUE);
                    if (found < rank) {
                        rank = found;
                        best = i;
                    }
                }
                if (best < 0) {
                    break;
                }
                parts.set(best, parts.get(best) + parts.remove(best + 1));
            }
            parts.forEach(part -> encoded.add(tokens.get(part)));
        }
        return encoded.stream().mapToInt(Integer::intValue).toArray();
    }

    /** Tokens to text one by one, as when it is generated. */
    @Benchmark
    public int decode() {
        StreamingDetokenizer detokenizer = new StreamingDetokenizer(tokenizer);
        int length = 0;
        for (int id : ids) {
            length += detokenizer.append(id).length();
        }
        return length;
    }

    /** All bytes put together, then made text. */
    @Benchmark
    public int decodeOracle() {
        java.io.ByteArrayOutputStream bytes = new java.io.ByteArrayOutputStream();
        for (int id : ids) {
            bytes.writeBytes(tokenizer.bytes(id));
        }
        return bytes.toString(StandardCharsets.UTF_8).length();
    }
}
