package dev.nibble.generate;

import dev.nibble.constraint.Constraint;
import dev.nibble.constraint.ConstraintException;
import dev.nibble.constraint.Matcher;
import dev.nibble.tokenizer.Tokenizer;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** How far a generation has come in its constraint, and which tokens that leaves. Used by one thread at a time. */
final class ConstrainedText {
    private static final int[] NONE = {};
    /** Bytes that are looked ahead at the most. */
    private static final int MAX_FORCED = 200;
    /** Tokens at the end of a text that more text might have made others of. */
    private static final int LAST_TOKENS = 4;

    private final Constraint constraint;
    private final Tokenizer tokenizer;
    private final int[] ends;
    private final long[] allowed;
    private Matcher matcher;

    /** @param ends the tokens that end a generation */
    ConstrainedText(Constraint constraint, Matcher matcher, Tokenizer tokenizer, int[] ends) {
        this.constraint = constraint;
        this.matcher = matcher;
        this.tokenizer = tokenizer;
        this.ends = ends;
        allowed = new long[matcher.maskWords()];
    }

    /**
     * The tokens that have to come next as far as they are certain, without a choice and without another way to cut the text
     * that a model might prefer; often none.
     *
     * @param tokens those before; only the first {@code count} count
     */
    int[] forced(int[] tokens, int count) {
        byte[] text = wholeCharacters(matcher.forced(MAX_FORCED));
        if (text.length == 0) {
            return NONE;
        }
        int[] cut = cut(tokens, count, text);
        int from = text.length;
        for (int i = Math.max(0, cut.length - LAST_TOKENS); i < cut.length; i++) {
            from -= tokenizer.bytes(cut[i]).length;
        }
        int certain = matcher.certain(text, Math.max(0, from));
        int kept = 0;
        Matcher at = matcher;
        for (int length = 0; kept < cut.length; kept++) {
            length += tokenizer.bytes(cut[kept]).length;
            Matcher next = at.next(cut[kept]);
            if (length > certain || next == null) {
                break;
            }
            at = next;
        }
        return Arrays.copyOf(cut, kept);
    }

    /** The bytes without a character that is cut, and without control tokens. */
    private static byte[] wholeCharacters(byte[] bytes) {
        int end = 0;
        int at = 0;
        while (at < bytes.length) {
            int first = bytes[at] & 0xFF;
            int length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF8 ? 4 : bytes.length;
            at += length;
            if (at > bytes.length) {
                break;
            }
            end = at;
        }
        return Arrays.copyOf(bytes, end);
    }

    /** The tokens that the tokenizer makes of the text behind the tokens before; none where it makes others of these. */
    private int[] cut(int[] tokens, int count, byte[] text) {
        ByteArrayOutputStream whole = new ByteArrayOutputStream();
        for (int i = Math.max(0, count - LAST_TOKENS); i < count; i++) {
            whole.writeBytes(tokenizer.bytes(tokens[i]));
        }
        whole.writeBytes(text);
        int[] all = tokenizer.encode(whole.toString(StandardCharsets.UTF_8), Tokenizer.Options.PLAIN);
        int left = text.length;
        int from = all.length;
        while (left > 0 && from > 0) {
            byte[] bytes = tokenizer.bytes(all[--from]);
            left -= bytes.length;
            if (left < 0 || !Arrays.equals(bytes, 0, bytes.length, text, left, left + bytes.length)) {
                return NONE;
            }
        }
        return left == 0 ? Arrays.copyOfRange(all, from, all.length) : NONE;
    }

    /** Whether nothing can come but the end. */
    boolean isOver() {
        return !matcher.canContinue();
    }

    /** The constraint after a token, null if it may not come. A token that ends the generation changes nothing. */
    @Nullable Matcher after(int token) {
        if (!tokenizer.vocabulary().isEndOfGeneration(token)) {
            return matcher.next(token);
        }
        return matcher.isComplete() ? matcher : null;
    }

    /** How many of the first tokens of a text may come one after the other. */
    int allowedLength(int[] tokens, int count) {
        Matcher at = matcher;
        for (int i = 0; i < count; i++) {
            Matcher next = at.next(tokens[i]);
            if (next == null) {
                return i;
            }
            at = next;
        }
        return count;
    }

    /** Goes on to where {@link #after} leads. */
    void move(Matcher next) {
        matcher = next;
    }

    /**
     * The tokens that may come, those that end the generation among them, as a set of bits that is valid until the next call.
     *
     * @param count tokens generated before, for the message
     * @throws ConstraintException if there is none
     */
    long[] allowed(int count) {
        boolean any = matcher.mask(allowed);
        if (matcher.isComplete()) {
            for (int end : ends) {
                allowed[end >> 6] |= 1L << end;
                any = true;
            }
        }
        if (!any) {
            throw new ConstraintException("after " + count + " generated tokens the constraint (" + constraint
                    + ") leaves no token of the model's vocabulary: what has to follow cannot be written with it");
        }
        return allowed;
    }
}
