package dev.nibble.tokenizer;

import dev.nibble.ModelFormatException;
import dev.nibble.UnsupportedModelException;
import dev.nibble.model.Metadata;
import dev.nibble.tokenizer.ModelTokenizer.Notation;
import dev.nibble.tokenizer.ModelTokenizer.Traits;
import java.util.BitSet;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.OptionalInt;

/** Makes the tokenizer that a model file describes. */
public final class Tokenizers {
    private static final String MODEL_KEY = "tokenizer.ggml.model";
    private static final String PRE_KEY = "tokenizer.ggml.pre";
    private static final int NONE = SpecialIds.NONE;

    private Tokenizers() {}

    /**
     * Reads the keys {@code tokenizer.ggml.*}.
     *
     * <p>A byte-pair encoding whose file does not name its pre-tokenizer is read as llama.cpp reads it, with the one
     * called {@code default}: a warning is logged, and {@link Tokenizer#description} says so.
     *
     * @throws UnsupportedModelException for a tokenizer model or a pre-tokenizer that is not known, by name
     * @throws ModelFormatException for a vocabulary that is damaged or contradicts itself
     */
    public static Tokenizer from(Metadata metadata) {
        String model = metadata.requireString(MODEL_KEY);
        return switch (model) {
            case "gpt2", "gemma4" -> bytePairs(metadata, model);
            case "llama" -> sentencePiece(metadata);
            case "bert" -> wordPiece(metadata);
            case "t5" -> unigram(metadata);
            default ->
                throw unsupported(
                        metadata, MODEL_KEY, "the tokenizer", model, List.of("bert", "gemma4", "gpt2", "llama", "t5"));
        };
    }

    private static UnsupportedModelException unsupported(
            Metadata metadata, String key, String what, String name, Iterable<String> supported) {
        return new UnsupportedModelException(message(
                metadata,
                key,
                what + " '" + name + "' is not supported; supported are " + String.join(", ", supported)));
    }

    private static String message(Metadata metadata, String key, String problem) {
        return Objects.requireNonNull(metadata.failure(key, problem).getMessage());
    }

    private static Tokenizer bytePairs(Metadata metadata, String model) {
        String pre = model.equals("gemma4") ? "gemma4" : metadata.optionalString(PRE_KEY);
        String name = pre == null || pre.isEmpty() ? "default" : pre;
        PreTokenizer preTokenizer = PreTokenizer.named(name);
        if (preTokenizer == null) {
            throw unsupported(metadata, PRE_KEY, "the pre-tokenizer", name, PreTokenizer.allNames());
        }
        TokenTable table = TokenTable.read(metadata);
        SpecialIds ids = SpecialIds.read(metadata, table.size(), NONE, NONE, NONE, NONE);
        FileVocabulary vocabulary = new FileVocabulary(
                metadata, table, ids, preTokenizer.addsBos(), false, preTokenizer == PreTokenizer.GEMMA4);
        if (preTokenizer.isRawText()) {
            ByteTokens.check(metadata, vocabulary);
        }
        String description = "byte pairs (" + name + ")";
        if (pre == null || pre.isEmpty()) {
            description = "byte pairs (default: the file names no pre-tokenizer)";
            System.getLogger(Tokenizers.class.getName())
                    .log(
                            System.Logger.Level.WARNING,
                            message(
                                    metadata,
                                    PRE_KEY,
                                    "the key is missing; the pre-tokenizer 'default' is used, which may not be what the"
                                            + " model was trained with"));
        }
        return tokenizer(
                metadata,
                vocabulary,
                new BpeEncoder(vocabulary, MergeTable.read(metadata, vocabulary), preTokenizer),
                description,
                preTokenizer.isRawText() ? Notation.SPACE_MARKS : Notation.BYTES,
                false);
    }

    private static Tokenizer sentencePiece(Metadata metadata) {
        TokenTable table = TokenTable.read(metadata);
        SpecialIds ids = SpecialIds.read(metadata, table.size(), 1, 2, 0, NONE);
        FileVocabulary vocabulary = new FileVocabulary(metadata, table, ids, true, false, false);
        ByteTokens.check(metadata, vocabulary);
        boolean addSpacePrefix = metadata.optionalBoolean("tokenizer.ggml.add_space_prefix", true);
        return tokenizer(
                metadata,
                vocabulary,
                new SentencePieceEncoder(metadata, vocabulary, addSpacePrefix),
                "SentencePiece",
                Notation.SPACE_MARKS,
                addSpacePrefix);
    }

    private static Tokenizer wordPiece(Metadata metadata) {
        TokenTable table = TokenTable.read(metadata);
        SpecialIds ids = SpecialIds.read(metadata, table.size(), 101, NONE, 100, 102);
        FileVocabulary vocabulary = new FileVocabulary(metadata, table, ids, true, false, false);
        ByteTokens.check(metadata, vocabulary);
        boolean lowerCase = metadata.optionalBoolean("tokenizer.ggml.normalizer.lowercase", true);
        boolean stripAccents = metadata.optionalBoolean("tokenizer.ggml.normalizer.strip_accents", lowerCase);
        int unknown = require(metadata, "unknown", ids.unknown());
        require(metadata, "bos", ids.bos());
        require(metadata, "seperator", ids.separator());
        return new ModelTokenizer(
                vocabulary,
                new WordPieceEncoder(vocabulary, unknown, lowerCase, stripAccents),
                new Traits(
                        "WordPiece",
                        Notation.SPACE_MARKS,
                        true,
                        ids.bos(),
                        ids.separator(),
                        stripLeft(metadata, table),
                        stripRight(metadata, vocabulary)));
    }

    private static Tokenizer unigram(Metadata metadata) {
        TokenTable table = TokenTable.read(metadata);
        SpecialIds ids = SpecialIds.read(metadata, table.size(), NONE, 1, 2, NONE);
        FileVocabulary vocabulary = new FileVocabulary(metadata, table, ids, false, true, false);
        ByteTokens.check(metadata, vocabulary);
        boolean addSpacePrefix = metadata.optionalBoolean("tokenizer.ggml.add_space_prefix", false);
        boolean mergeSpaces = metadata.optionalBoolean("tokenizer.ggml.remove_extra_whitespaces", false);
        int unknown = require(metadata, "unknown", ids.unknown());
        return tokenizer(
                metadata,
                vocabulary,
                new UnigramEncoder(vocabulary, CharsMap.read(metadata), unknown, addSpacePrefix, mergeSpaces),
                "unigram",
                Notation.SPACE_MARKS,
                addSpacePrefix || mergeSpaces);
    }

    private static Tokenizer tokenizer(
            Metadata metadata,
            FileVocabulary vocabulary,
            FragmentEncoder encoder,
            String description,
            Notation notation,
            boolean addsLeadingSpace) {
        return new ModelTokenizer(
                vocabulary,
                encoder,
                new Traits(
                        description,
                        notation,
                        addsLeadingSpace,
                        vocabulary.addBos() ? vocabulary.bosId() : OptionalInt.empty(),
                        vocabulary.addEos() ? vocabulary.eosId() : OptionalInt.empty(),
                        stripLeft(metadata, vocabulary.table()),
                        stripRight(metadata, vocabulary)));
    }

    private static int require(Metadata metadata, String name, OptionalInt id) {
        return id.orElseThrow(() -> metadata.failure(
                "tokenizer.ggml." + name + "_token_id", "this tokenizer needs the token, and the key names none"));
    }

    /** The tokens that take the spaces before them along. Files do not say; llama.cpp knows it by other names. */
    private static BitSet stripLeft(Metadata metadata, TokenTable table) {
        String pre = text(metadata, PRE_KEY);
        String architecture = text(metadata, "general.architecture");
        boolean mask = List.of("jina-v2-de", "jina-v2-es", "jina-v2-code").contains(pre)
                || List.of("nomic-bert-moe", "jina-bert-v3").contains(architecture);
        BitSet strip = new BitSet();
        set(strip, table, mask ? "<mask>" : isNamed(metadata, "modern-bert") ? "[MASK]" : "");
        return strip;
    }

    /** The tokens that take the spaces behind them along: those of Phi-3. */
    private static BitSet stripRight(Metadata metadata, FileVocabulary vocabulary) {
        BitSet strip = new BitSet();
        if (isNamed(metadata, "phi-3") || isNamed(metadata, "phi3")) {
            for (int id = 0; id < vocabulary.size(); id++) {
                TokenType type = vocabulary.type(id);
                strip.set(id, type == TokenType.CONTROL || type == TokenType.USER_DEFINED || type == TokenType.UNKNOWN);
            }
            set(strip, vocabulary.table(), "</s>");
            for (String kept : List.of("<unk>", "<s>", "<|endoftext|>")) {
                vocabulary.find(kept).ifPresent(strip::clear);
            }
        }
        return strip;
    }

    private static void set(BitSet tokens, TokenTable table, String text) {
        int id = table.find(text);
        if (id != TokenTable.NONE) {
            tokens.set(id);
        }
    }

    private static boolean isNamed(Metadata metadata, String part) {
        return text(metadata, "general.name").toLowerCase(Locale.ROOT).contains(part);
    }

    private static String text(Metadata metadata, String key) {
        return metadata.get(key) instanceof String string ? string : "";
    }
}
