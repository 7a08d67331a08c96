package dev.nibble.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Objects;
import java.util.OptionalInt;

/** The tokenizer of a model file: special tokens around one of the algorithms. */
final class ModelTokenizer implements Tokenizer {
    /** How the text of a token is written. */
    enum Notation {
        /** Each character is a byte (see {@link ByteAlphabet}). */
        BYTES,
        /** Text, with ▁ for a space. */
        SPACE_MARKS
    }

    /** What a subclass of models is about, apart from its algorithm. */
    record Traits(
            String description,
            Notation notation,
            boolean addsLeadingSpace,
            OptionalInt first,
            OptionalInt last,
            BitSet stripLeft,
            BitSet stripRight) {}

    private static final byte[] SPACE_MARK = "▁".getBytes(StandardCharsets.UTF_8);

    private final FileVocabulary vocabulary;
    private final FragmentEncoder encoder;
    private final Traits traits;
    private final SpecialTokens always;
    private final SpecialTokens parsed;

    ModelTokenizer(FileVocabulary vocabulary, FragmentEncoder encoder, Traits traits) {
        this.vocabulary = vocabulary;
        this.encoder = encoder;
        this.traits = traits;
        BitSet userDefined = new BitSet();
        BitSet special = new BitSet();
        for (int id = 0; id < vocabulary.size(); id++) {
            switch (vocabulary.type(id)) {
                case USER_DEFINED -> userDefined.set(id);
                case CONTROL, UNKNOWN -> special.set(id);
                default -> {}
            }
        }
        special.or(userDefined);
        always = new SpecialTokens(vocabulary.table(), userDefined, traits.stripLeft, traits.stripRight);
        parsed = new SpecialTokens(vocabulary.table(), special, traits.stripLeft, traits.stripRight);
    }

    @Override
    public Vocabulary vocabulary() {
        return vocabulary;
    }

    @Override
    public int[] encode(String text, Options options) {
        Objects.requireNonNull(text, "text");
        Objects.requireNonNull(options, "options");
        byte[] utf8 = Utf8.encode(text);
        List<SpecialTokens.Found> specials = (options.parseSpecial() ? parsed : always).find(utf8);
        IntList ids = new IntList();
        boolean begun = !specials.isEmpty()
                && specials.getFirst().start() == 0
                && traits.first.equals(OptionalInt.of(specials.getFirst().id()));
        if (options.addSpecial() && !begun) {
            traits.first.ifPresent(ids::add);
        }
        int from = 0;
        boolean afterSpecial = true;
        for (SpecialTokens.Found special : specials) {
            if (from < special.start()) {
                encoder.encode(utf8, from, special.start(), afterSpecial, ids);
            }
            ids.add(special.id());
            afterSpecial = true;
            from = special.end();
        }
        if (from < utf8.length) {
            encoder.encode(utf8, from, utf8.length, afterSpecial, ids);
        }
        if (options.addSpecial()) {
            traits.last.ifPresent(ids::add);
        }
        return ids.toArray();
    }

    @Override
    public byte[] bytes(int id) {
        return switch (vocabulary.type(id)) {
            case CONTROL, UNKNOWN -> vocabulary.isShown(id) ? vocabulary.table().bytes(id) : new byte[0];
            case USER_DEFINED -> vocabulary.table().bytes(id);
            case BYTE -> new byte[] {(byte) ByteTokens.valueOf(vocabulary.table(), id)};
            case NORMAL -> written(vocabulary.table().bytes(id));
            case UNUSED, UNDEFINED -> new byte[0];
        };
    }

    private byte[] written(byte[] token) {
        return switch (traits.notation) {
            case BYTES -> ByteAlphabet.decode(token);
            case SPACE_MARKS -> replaceSpaceMarks(token);
        };
    }

    private static byte[] replaceSpaceMarks(byte[] token) {
        byte[] text = new byte[token.length];
        int size = 0;
        for (int i = 0; i < token.length; i++) {
            boolean mark = token.length - i >= 3
                    && token[i] == SPACE_MARK[0]
                    && token[i + 1] == SPACE_MARK[1]
                    && token[i + 2] == SPACE_MARK[2];
            text[size++] = mark ? (byte) ' ' : token[i];
            i += mark ? 2 : 0;
        }
        return Arrays.copyOf(text, size);
    }

    @Override
    public boolean addsLeadingSpace() {
        return traits.addsLeadingSpace;
    }

    @Override
    public String description() {
        return traits.description;
    }
}
