package dev.nibble.tokenizer;

import dev.nibble.model.Metadata;
import java.util.BitSet;
import java.util.List;
import java.util.Set;

/**
 * The tokens at which generation stops: all that the file names, and those that are known by their text, as llama.cpp does
 * (llama-vocab.cpp, "special_eog_ids"). Files leave out some of the latter, and type them as ordinary text.
 *
 * <p>A text that nobody writes, as {@code <|im_end|>}, ends an answer whatever the file says of its type. One that people
 * do write, as the HTML tag {@code </s>}, does so unless the file contradicts: types it as text, and names another end.
 */
final class EndOfGeneration {
    private static final List<String> TEXTS = List.of(
            "<|eot_id|>",
            "<|im_end|>",
            "<|end|>",
            "<|return|>",
            "<|call|>",
            "<|flush|>",
            "<|calls|>",
            "<end_of_turn>",
            "<|endoftext|>",
            "</s>",
            "<|eom_id|>",
            "<EOT>",
            "_<EOT>",
            "[EOT]",
            "[EOS]",
            "<|end_of_text|>",
            "<end_of_utterance>",
            "<eos>",
            "<turn|>",
            "<|tool_response>",
            "<｜end▁of▁sentence｜>",
            "[e~[");

    private static final String TYPES_KEY = "tokenizer.ggml.token_type";
    private static final TokenType[] NO_TYPES = {};

    /** A model that was trained to fill in code ends the filling with these. */
    private static final List<List<String>> FILL_IN_TEXTS = List.of(
            List.of("<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>", "[PAD]"),
            List.of("<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>", "<reponame>"),
            List.of("<|file_sep|>"));

    /** Those of the texts that people write too: tags of markup, and words in brackets. */
    private static final Set<String> WRITTEN = Set.of(
            "</s>",
            "<EOT>",
            "_<EOT>",
            "[EOT]",
            "[EOS]",
            "<eos>",
            "<PAD>",
            "[PAD]",
            "<REPO>",
            "<reponame>");

    private static final List<String> FILL_IN_KEYS = List.of("fim_pad", "fim_rep", "fim_sep");

    private EndOfGeneration() {}

    /**
     * The stop tokens of a vocabulary. Sets the type of those known by their text to {@link TokenType#CONTROL}, as
     * some files leave them as text.
     *
     * @param types the types of the tokens, changed
     */
    static BitSet find(Metadata metadata, TokenTable table, SpecialIds ids, TokenType[] types) {
        BitSet stops = new BitSet();
        boolean typed = metadata.contains(TYPES_KEY);
        for (int i = 0; i < FILL_IN_KEYS.size(); i++) {
            var id = SpecialIds.lenient(metadata, FILL_IN_KEYS.get(i), table.size());
            if (id.isPresent()) {
                stops.set(id.getAsInt());
            } else {
                FILL_IN_TEXTS.get(i).stream()
                        .mapToInt(text -> ending(text, table, ids, typed ? types : NO_TYPES))
                        .filter(found -> found != TokenTable.NONE)
                        .findFirst()
                        .ifPresent(found -> addControl(found, stops, types));
            }
        }
        for (String text : TEXTS) {
            int id = ending(text, table, ids, typed ? types : NO_TYPES);
            if (id != TokenTable.NONE) {
                addControl(id, stops, types);
            }
        }
        stops.or(ids.ends());

        // In the harmony format (gpt-oss, solar-open) <|end|> only ends a message, and the answer goes on.
        boolean call = contains(stops, table, "<|call|>") || contains(stops, table, "<|calls|>");
        if (call && (contains(stops, table, "<|return|>") || contains(stops, table, "<|flush|>"))) {
            remove(stops, table, "<|end|>");
        }
        // In Gemma 4 </s> is text, an HTML tag.
        if (contains(stops, table, "<|tool_response>") && contains(stops, table, "</s>")) {
            remove(stops, table, "</s>");
            types[table.find("</s>")] = TokenType.NORMAL;
        }
        return stops;
    }

    /** The token of a text that ends an answer, {@link TokenTable#NONE} if there is none or the file says otherwise. */
    private static int ending(String text, TokenTable table, SpecialIds ids, TokenType[] types) {
        int id = table.find(text);
        if (id == TokenTable.NONE || id >= types.length || !WRITTEN.contains(text)) {
            return id;
        }
        boolean textType = types[id] == TokenType.NORMAL || types[id] == TokenType.USER_DEFINED;
        boolean anotherEnd = !ids.ends().isEmpty() && !ids.ends().get(id);
        return textType && anotherEnd ? TokenTable.NONE : id;
    }

    private static void addControl(int id, BitSet stops, TokenType[] types) {
        stops.set(id);
        types[id] = TokenType.CONTROL;
    }

    private static boolean contains(BitSet stops, TokenTable table, String text) {
        int id = table.find(text);
        return id != TokenTable.NONE && stops.get(id);
    }

    private static void remove(BitSet stops, TokenTable table, String text) {
        int id = table.find(text);
        if (id != TokenTable.NONE) {
            stops.clear(id);
        }
    }
}
