package dev.nibble.tokenizer;

import dev.nibble.model.Metadata;
import java.util.BitSet;
import java.util.List;

/**
 * The tokens at which generation stops. Files name one or two; the rest is known by its text, as llama.cpp does
 * (llama-vocab.cpp, "special_eog_ids").
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

    /** A model that was trained to fill in code ends the filling with these. */
    private static final List<List<String>> FILL_IN_TEXTS = List.of(
            List.of("<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>", "[PAD]"),
            List.of("<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>", "<reponame>"),
            List.of("<|file_sep|>"));

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
        for (int i = 0; i < FILL_IN_KEYS.size(); i++) {
            var id = SpecialIds.lenient(metadata, FILL_IN_KEYS.get(i), table.size());
            if (id.isPresent()) {
                stops.set(id.getAsInt());
            } else {
                FILL_IN_TEXTS.get(i).stream()
                        .mapToInt(table::find)
                        .filter(found -> found != TokenTable.NONE)
                        .findFirst()
                        .ifPresent(found -> addControl(found, stops, types));
            }
        }
        for (String text : TEXTS) {
            int id = table.find(text);
            if (id != TokenTable.NONE) {
                addControl(id, stops, types);
            }
        }
        ids.eos().ifPresent(stops::set);
        ids.eot().ifPresent(stops::set);
        ids.eom().ifPresent(stops::set);

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
