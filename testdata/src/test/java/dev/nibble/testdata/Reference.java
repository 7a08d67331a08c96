package dev.nibble.testdata;

import static dev.nibble.testdata.Evaluation.argmax;
import static dev.nibble.testdata.Evaluation.ids;
import static org.assertj.core.api.Assertions.assertThat;

import dev.nibble.tensor.DType;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Objects;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * What llama.cpp computed for a model.
 *
 * @param tokens the text
 * @param best the best token after each token
 * @param greedy the tokens that follow by greedy choice
 * @param positions where the logits are known
 * @param logits [positions, vocabulary]
 * @param sha256 of the model file, empty if it is not known
 */
record Reference(int[] tokens, int[] best, int[] greedy, int[] positions, float[] logits, String sha256) {

    /** That of a tiny model, which {@code src/test/python/make_logits.py} stored. */
    static Reference ofTinyModel(String name) throws IOException {
        String json;
        try (InputStream in = Reference.class.getResourceAsStream("/logits/" + name + ".json")) {
            json = new String(Objects.requireNonNull(in, name).readAllBytes(), StandardCharsets.UTF_8);
        }
        int[] positions = Pattern.compile("\"(\\d+)\":")
                .matcher(json)
                .results()
                .mapToInt(match -> Integer.parseInt(match.group(1)))
                .toArray();
        double[] values = Arrays.stream(positions)
                .boxed()
                .flatMap(position -> Evaluation.numbers(json, position.toString()))
                .mapToDouble(Float::parseFloat)
                .toArray();
        float[] logits = new float[values.length];
        for (int i = 0; i < logits.length; i++) {
            logits[i] = (float) values[i];
        }
        String sha256 = json.replaceFirst("(?s).*\"sha256\": *\"(\\w+)\".*", "$1");
        return new Reference(ids(json, "tokens"), ids(json, "best"), ids(json, "greedy"), positions, logits, sha256);
    }

    /**
     * Writes the tiny model of this reference.
     *
     * @param name of the model, with the type of its weights after a hyphen unless that is F32
     */
    void writeTinyModel(String name, Path file) throws IOException {
        int hyphen = name.lastIndexOf('-') + 1;
        boolean typed = hyphen > 0 && Character.isUpperCase(name.charAt(hyphen));
        DType dtype = typed ? DType.valueOf(name.substring(hyphen)) : DType.F32;
        TinyModels.write(typed ? name.substring(0, hyphen - 1) : name, 1, dtype, file);
        assertThat(sha256(file))
                .as("the model is another than that of the reference: run make_logits.py again")
                .isEqualTo(sha256);
    }

    private static String sha256(Path file) throws IOException {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    /** That of a model file of the conformance data, which stands beside it. */
    static Reference beside(Path model) throws IOException {
        String name = model.getFileName().toString().replaceFirst("\\.gguf$", "");
        String json = Files.readString(model.resolveSibling(name + ".json"));
        int[] tokens = ids(json, "tokens");
        float[] logits = Conformance.floats(model.resolveSibling(name + ".logits.f32"));
        int width = logits.length / tokens.length;
        int[] positions = IntStream.range(0, tokens.length).toArray();
        int[] best = Arrays.stream(positions)
                .map(position -> argmax(logits, position, width))
                .toArray();
        int[] greedy = json.contains("\"greedy\"") ? ids(json, "greedy") : new int[0];
        return new Reference(tokens, best, greedy, positions, logits, "");
    }

    /** The squared error of logits after all tokens, at the positions that are known, relative to their squares. */
    double error(float[] actual) {
        int width = actual.length / tokens.length;
        float[] rows = new float[logits.length];
        for (int i = 0; i < positions.length; i++) {
            System.arraycopy(actual, positions[i] * width, rows, i * width, width);
        }
        return Evaluation.nmse(rows, logits);
    }

    /** The positions where logits after all tokens have another best token. */
    int[] differences(float[] actual) {
        int width = actual.length / tokens.length;
        return IntStream.range(0, tokens.length)
                .filter(position -> argmax(actual, position, width) != best[position])
                .toArray();
    }
}
