package dev.nibble.examples.cli;

import dev.nibble.constraint.TokenMasks;
import dev.nibble.tokenizer.Tokenizer;
import dev.nibble.tokenizer.Vocabulary;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Cuts texts into tokens of a vocabulary, in more ways than its tokenizer does. */
final class TextCutter {
    private final Tokenizer tokenizer;
    private final TokenMasks masks;
    /** Tokens of text by their bytes, each byte a character. */
    private final Map<String, Integer> tokens = new HashMap<>();

    private int longest;

    TextCutter(Tokenizer tokenizer, TokenMasks masks) {
        this.tokenizer = tokenizer;
        this.masks = masks;
        Vocabulary vocabulary = tokenizer.vocabulary();
        for (int id = 0; id < vocabulary.size(); id++) {
            byte[] bytes = vocabulary.isControl(id) ? new byte[0] : masks.bytes(id);
            if (bytes.length > 0) {
                tokens.putIfAbsent(new String(bytes, StandardCharsets.ISO_8859_1), id);
                longest = Math.max(longest, bytes.length);
            }
        }
    }

    /** As the tokenizer does; where it changes the text or adds to it, in the longest tokens. */
    int[] own(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        int[] own = tokenizer.encode(text, Tokenizer.Options.PLAIN);
        if (Arrays.equals(joined(own, 0), bytes)) {
            return own;
        }
        if (own.length > 1) {
            byte[] rest = joined(own, 1);
            int first = bytes.length - rest.length;
            if (first > 0 && Arrays.equals(bytes, first, bytes.length, rest, 0, rest.length)) {
                List<Integer> cut = cut(Arrays.copyOf(bytes, first), List::getLast);
                Arrays.stream(own).skip(1).forEach(cut::add);
                return ints(cut);
            }
        }
        return ints(cut(bytes, List::getLast));
    }

    /** Byte by byte, as far as the vocabulary has a token for each. */
    int[] bytes(String text) {
        return ints(cut(text.getBytes(StandardCharsets.UTF_8), List::getFirst));
    }

    /** At random. */
    int[] random(String text, Random random) {
        return ints(cut(text.getBytes(StandardCharsets.UTF_8), fitting -> fitting.get(random.nextInt(fitting.size()))));
    }

    private byte[] joined(int[] ids, int from) {
        ByteArrayOutputStream joined = new ByteArrayOutputStream();
        for (int i = from; i < ids.length; i++) {
            joined.writeBytes(masks.bytes(ids[i]));
        }
        return joined.toByteArray();
    }

    private interface Choice {
        /** One of the tokens that fit, the shortest first. */
        int of(List<Integer> fitting);
    }

    private List<Integer> cut(byte[] text, Choice choice) {
        String left = new String(text, StandardCharsets.ISO_8859_1);
        List<Integer> cut = new ArrayList<>();
        for (int at = 0; at < text.length; ) {
            List<Integer> fitting = new ArrayList<>();
            for (int end = at + 1; end <= Math.min(text.length, at + longest); end++) {
                Integer id = tokens.get(left.substring(at, end));
                if (id != null) {
                    fitting.add(id);
                }
            }
            if (fitting.isEmpty()) {
                throw new IllegalArgumentException(
                        String.format("the vocabulary has no token for the byte 0x%02X of the text", text[at]));
            }
            int id = choice.of(fitting);
            cut.add(id);
            at += masks.bytes(id).length;
        }
        return cut;
    }

    private static int[] ints(List<Integer> ids) {
        return ids.stream().mapToInt(Integer::intValue).toArray();
    }
}
