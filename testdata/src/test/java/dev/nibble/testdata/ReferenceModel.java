package dev.nibble.testdata;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A model of the second set of reference models.
 *
 * @param kind what is compared: logits, embed, rank, ...
 * @param limit of the normalized squared error
 */
record ReferenceModel(String name, Path file, String kind, double limit) {
    private static final String FOLDER = "archs2";

    static Stream<ReferenceModel> all() throws IOException {
        List<Path> files = Conformance.files(FOLDER, ".gguf");
        Stream.Builder<ReferenceModel> models = Stream.builder();
        for (Path file : files) {
            models.add(of(file.getFileName().toString().replaceFirst("\\.gguf$", "")));
        }
        return models.build();
    }

    static ReferenceModel of(String name) throws IOException {
        Path file = path(name);
        String json = Files.readString(file.resolveSibling(name + ".json"));
        boolean chaotic = name.startsWith("gemma4");
        String limit = field(json, "nmse_limit", chaotic ? "1e-9" : "1e-10");
        return new ReferenceModel(name, file, field(json, "kind", ""), Double.parseDouble(limit));
    }

    static Path path(String name) {
        return Conformance.path(FOLDER + "/" + name + ".gguf");
    }

    /** The tokens that the encoder reads, of a model of the kind encdec. */
    int[] source() throws IOException {
        return Evaluation.ids(Files.readString(file.resolveSibling(name + ".json")), "encoder_tokens");
    }

    /** The models that do not pass yet, with the reason. */
    static Map<String, String> missing() throws IOException {
        try (InputStream in = ReferenceModel.class.getResourceAsStream("/architectures-missing.txt")) {
            return new String(Objects.requireNonNull(in).readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .filter(line -> !line.isBlank() && !line.startsWith("#"))
                    .map(line -> line.split("\\s+", 2))
                    .collect(Collectors.toMap(parts -> parts[0], parts -> parts.length > 1 ? parts[1] : ""));
        }
    }

    private static String field(String json, String key, String defaultValue) {
        Matcher matcher =
                Pattern.compile("\"" + key + "\":\\s*\"?([^\",}\\s]+)").matcher(json);
        return matcher.find() ? matcher.group(1) : defaultValue;
    }
}
