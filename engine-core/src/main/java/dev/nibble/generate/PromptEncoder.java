package dev.nibble.generate;

import dev.nibble.tokenizer.Tokenizer;
import dev.nibble.tokenizer.Vocabulary;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Turns prompts into tokens to be continued: BOS in front where the model wants it, no EOS at the end. */
public final class PromptEncoder {

    /**
     * A piece of a rendered chat.
     *
     * @param text its text
     * @param trusted whether it may hold control tokens: it comes from the template, not from a message
     */
    public record Piece(String text, boolean trusted) {}

    private final Tokenizer tokenizer;

    public PromptEncoder(Tokenizer tokenizer) {
        this.tokenizer = tokenizer;
    }

    /**
     * The tokens of a raw prompt, control tokens in it recognised.
     *
     * @param startOfText whether it begins a text or continues one
     */
    public int[] prompt(String text, boolean startOfText) {
        if (startOfText) {
            return withBos(encode(text));
        }
        // Encoding may put a space before every text; one that continues another brings its own.
        boolean ownSpace = tokenizer.addsLeadingSpace() && text.startsWith(" ");
        return encode(ownSpace ? text.substring(1) : text);
    }

    /** The tokens of a rendered chat; control tokens written in untrusted pieces stay text. */
    public int[] chat(List<Piece> pieces) {
        return withBos(pieces(pieces));
    }

    /** Likewise without BOS but where it is written. */
    public int[] pieces(List<Piece> pieces) {
        List<Piece> joined = join(pieces);
        int[] whole = encode(joined.stream().map(Piece::text).collect(Collectors.joining()));
        // Encoding the text as a whole is what the model was trained on: tokens may span two pieces. It is safe if
        // every
        // control token in it is one of the template's.
        long own = joined.stream()
                .filter(Piece::trusted)
                .mapToLong(piece -> controls(encode(piece.text())))
                .sum();
        return controls(whole) == own ? whole : aroundControls(joined);
    }

    /** Encodes the text between the template's control tokens as mere text. */
    private int[] aroundControls(List<Piece> pieces) {
        IntStream.Builder tokens = IntStream.builder();
        StringBuilder plain = new StringBuilder();
        for (Piece piece : pieces) {
            String text = piece.text();
            int at = 0;
            for (int id : piece.trusted() ? encode(text) : new int[0]) {
                String control = tokenizer.vocabulary().isControl(id)
                        ? tokenizer.vocabulary().text(id)
                        : "";
                int start = control.isEmpty() ? -1 : text.indexOf(control, at);
                if (start >= 0) {
                    addPlain(plain.append(text, at, start), tokens);
                    tokens.add(id);
                    at = start + control.length();
                }
            }
            plain.append(text, at, text.length());
        }
        addPlain(plain, tokens);
        return tokens.build().toArray();
    }

    private void addPlain(StringBuilder plain, IntStream.Builder tokens) {
        if (!plain.isEmpty()) {
            IntStream.of(tokenizer.encode(plain.toString(), Tokenizer.Options.PLAIN))
                    .forEach(tokens);
            plain.setLength(0);
        }
    }

    /** The pieces with neighbours of the same kind made one. */
    private static List<Piece> join(List<Piece> pieces) {
        List<Piece> joined = new ArrayList<>();
        for (Piece piece : pieces) {
            if (!joined.isEmpty() && joined.getLast().trusted() == piece.trusted()) {
                Piece last = joined.removeLast();
                joined.add(new Piece(last.text() + piece.text(), piece.trusted()));
            } else {
                joined.add(piece);
            }
        }
        return joined;
    }

    private int[] encode(String text) {
        return tokenizer.encode(text, Tokenizer.Options.TEMPLATE);
    }

    private long controls(int[] tokens) {
        Vocabulary vocabulary = tokenizer.vocabulary();
        return IntStream.of(tokens).filter(vocabulary::isControl).count();
    }

    /** A prompt that writes BOS itself, as templates do, gets no second one. */
    private int[] withBos(int[] tokens) {
        Vocabulary vocabulary = tokenizer.vocabulary();
        OptionalInt bos = vocabulary.bosId();
        if (!vocabulary.addBos() || bos.isEmpty() || (tokens.length > 0 && tokens[0] == bos.getAsInt())) {
            return tokens;
        }
        return IntStream.concat(IntStream.of(bos.getAsInt()), IntStream.of(tokens))
                .toArray();
    }
}
