package dev.nibble.embedding;

import dev.nibble.generate.PromptEncoder;
import dev.nibble.generate.PromptEncoder.Piece;
import dev.nibble.model.Metadata;
import dev.nibble.tokenizer.Tokenizer;
import dev.nibble.tokenizer.Vocabulary;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Turns a query and a document into the tokens that a reranker rates: as its template says, or {@code BOS query EOS SEP
 * document EOS}, of which each model has its part. Control tokens that are written in the texts stay text.
 */
public final class PairEncoder {
    private static final String TEMPLATE = "tokenizer.chat_template.rerank";
    private static final String QUERY = "{query}";
    private static final String DOCUMENT = "{document}";
    private static final Pattern PLACE = Pattern.compile("\\{(?:query|document)}");
    private static final Tokenizer.Options FRAME = Tokenizer.Options.PLAIN.withAddSpecial(true);

    private final Tokenizer tokenizer;
    private final @Nullable String template;
    private final int[] begin;
    private final int[] end;
    private final int[] separator;

    /**
     * @throws dev.nibble.ModelFormatException if the template has no place for the texts, or a separator is asked for and
     *     not named
     */
    public PairEncoder(Metadata metadata, Tokenizer tokenizer) {
        this.tokenizer = tokenizer;
        template = metadata.optionalString(TEMPLATE);
        if (template != null && !(template.contains(QUERY) && template.contains(DOCUMENT))) {
            throw metadata.failure(
                    TEMPLATE,
                    "expected a text with the places " + QUERY + " and " + DOCUMENT + ", found neither or one");
        }
        Vocabulary vocabulary = tokenizer.vocabulary();
        int[] frame = tokenizer.encode("", FRAME);
        int first = vocabulary.addBos() ? Math.min(1, frame.length) : 0;
        begin = Arrays.copyOfRange(frame, 0, first);
        end = Arrays.copyOfRange(frame, first, frame.length);
        separator = vocabulary.addSeparator() ? new int[] {separator(metadata, vocabulary)} : new int[0];
    }

    private static int separator(Metadata metadata, Vocabulary vocabulary) {
        return vocabulary
                .separatorId()
                .orElseThrow(() -> metadata.failure(
                        "tokenizer.ggml.add_sep_token",
                        "pairs of texts shall have a separator, but tokenizer.ggml.seperator_token_id names none"));
    }

    /** The tokens of a pair. */
    public int[] encode(String query, String document) {
        if (template != null) {
            return new PromptEncoder(tokenizer).pieces(filled(template, query, document));
        }
        return concat(begin, plain(query), end, separator, plain(document), end);
    }

    private int[] plain(String text) {
        return tokenizer.encode(text, Tokenizer.Options.PLAIN);
    }

    private static int[] concat(int[]... parts) {
        return Arrays.stream(parts).flatMapToInt(IntStream::of).toArray();
    }

    /** The texts in their places, both at once: what looks like a place in one of them is none. */
    private static List<Piece> filled(String template, String query, String document) {
        List<Piece> pieces = new ArrayList<>();
        int from = 0;
        for (MatchResult place : PLACE.matcher(template).results().toList()) {
            pieces.add(new Piece(template.substring(from, place.start()), true));
            pieces.add(new Piece(place.group().equals(QUERY) ? query : document, false));
            from = place.end();
        }
        pieces.add(new Piece(template.substring(from), true));
        return pieces;
    }
}
