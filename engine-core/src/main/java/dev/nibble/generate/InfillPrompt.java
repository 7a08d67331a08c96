package dev.nibble.generate;

import dev.nibble.SourceFile;
import dev.nibble.UnsupportedModelException;
import dev.nibble.model.Metadata;
import dev.nibble.tokenizer.Tokenizer;
import dev.nibble.tokenizer.Vocabulary;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.IntStream;

/**
 * How a model is asked for what stands between two texts: with tokens of its own before each part. The file names them, or they
 * are found by what models call them. Immutable.
 *
 * <pre>
 * [BOS] [REPOSITORY name \n (FILE name \n text)... FILE name \n]  PREFIX prefix  SUFFIX suffix  MIDDLE
 * </pre>
 *
 * Models without a token for the middle, as Codestral, get the suffix first, and go on where the prefix ends.
 */
final class InfillPrompt {
    private static final List<String> PREFIX_TEXTS = List.of(
            "<|fim_prefix|>",
            "<fim-prefix>",
            "<fim_prefix>",
            "<｜fim▁begin｜>",
            "<PRE>",
            "▁<PRE>",
            "<|code_prefix|>",
            "[PREFIX]");
    private static final List<String> SUFFIX_TEXTS = List.of(
            "<|fim_suffix|>",
            "<fim-suffix>",
            "<fim_suffix>",
            "<｜fim▁hole｜>",
            "<SUF>",
            "▁<SUF>",
            "<|code_suffix|>",
            "[SUFFIX]");
    private static final List<String> MIDDLE_TEXTS = List.of(
            "<|fim_middle|>",
            "<fim-middle>",
            "<fim_middle>",
            "<｜fim▁end｜>",
            "<MID>",
            "▁<MID>",
            "<|code_middle|>",
            "[MIDDLE]");
    private static final List<String> REPOSITORY_TEXTS =
            List.of("<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>", "<reponame>");
    private static final List<String> FILE_TEXTS = List.of("<|file_sep|>");

    /** Before the text of another file, where the model has no token for that. */
    private static final String SNIPPET = "\n\n--- snippet ---\n\n";

    private final Tokenizer tokenizer;
    private final String source;
    private final OptionalInt prefix;
    private final OptionalInt suffix;
    private final OptionalInt middle;
    private final OptionalInt repository;
    private final OptionalInt file;

    InfillPrompt(Tokenizer tokenizer, Metadata metadata) {
        this.tokenizer = tokenizer;
        Vocabulary vocabulary = tokenizer.vocabulary();
        prefix = find(metadata, vocabulary, List.of("fim_pre", "prefix"), PREFIX_TEXTS);
        suffix = find(metadata, vocabulary, List.of("fim_suf", "suffix"), SUFFIX_TEXTS);
        middle = find(metadata, vocabulary, List.of("fim_mid", "middle"), MIDDLE_TEXTS);
        repository = find(metadata, vocabulary, List.of("fim_rep"), REPOSITORY_TEXTS);
        file = find(metadata, vocabulary, List.of("fim_sep"), FILE_TEXTS);
        source = String.valueOf(
                metadata.failure("tokenizer.ggml.fim_pre_token_id", "").getMessage());
    }

    private static OptionalInt find(Metadata metadata, Vocabulary vocabulary, List<String> keys, List<String> texts) {
        for (String key : keys) {
            if (metadata.get("tokenizer.ggml." + key + "_token_id") instanceof Long id
                    && id >= 0
                    && id < vocabulary.size()) {
                return OptionalInt.of((int) (long) id);
            }
        }
        return texts.stream()
                .map(vocabulary::find)
                .filter(OptionalInt::isPresent)
                .findFirst()
                .orElse(OptionalInt.empty());
    }

    /** Whether the model knows the tokens it takes. */
    boolean isSupported() {
        return prefix.isPresent() && suffix.isPresent();
    }

    /** The tokens of a prompt; control tokens written in the texts stay text. */
    int[] tokens(String before, String after, List<SourceFile> files) {
        if (!isSupported()) {
            throw new UnsupportedModelException(
                    source + "the file names no tokens for filling in text, and none is known in its vocabulary");
        }
        IntStream.Builder tokens = IntStream.builder();
        Vocabulary vocabulary = tokenizer.vocabulary();
        if (vocabulary.addBos() && vocabulary.bosId().isPresent()) {
            tokens.add(vocabulary.bosId().getAsInt());
        }
        addFiles(tokens, files);
        if (middle.isPresent()) {
            add(tokens, prefix, before);
            add(tokens, suffix, after);
            tokens.add(middle.getAsInt());
        } else {
            add(tokens, suffix, after);
            add(tokens, prefix, before);
        }
        return tokens.build().toArray();
    }

    private void addFiles(IntStream.Builder tokens, List<SourceFile> files) {
        if (files.isEmpty()) {
            return;
        }
        if (file.isEmpty()) {
            files.forEach(other -> encode(SNIPPET + other.text()).forEach(tokens::add));
            encode(SNIPPET).forEach(tokens::add);
            return;
        }
        if (repository.isPresent()) {
            add(tokens, repository, "myproject\n");
        }
        files.forEach(other -> add(tokens, file, other.name() + "\n" + other.text()));
        add(tokens, file, "filename\n");
    }

    private void add(IntStream.Builder tokens, OptionalInt mark, String text) {
        mark.ifPresent(tokens::add);
        encode(text).forEach(tokens::add);
    }

    private IntStream encode(String text) {
        return text.isEmpty() ? IntStream.empty() : IntStream.of(tokenizer.encode(text, Tokenizer.Options.PLAIN));
    }
}
