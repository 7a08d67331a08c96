package dev.nibble;

import dev.nibble.tokenizer.TokenType;
import dev.nibble.tokenizer.Tokenizer;
import dev.nibble.tokenizer.Vocabulary;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.IntStream;

/** A token for each byte, and four control tokens. */
public class ByteTokenizer implements Tokenizer, Vocabulary {
    public static final int BOS = 256;
    public static final int EOS = 257;
    public static final int IM_START = 258;
    public static final int IM_END = 259;
    public static final int SIZE = 260;
    private static final List<String> CONTROL = List.of("<s>", "</s>", "<|im_start|>", "<|im_end|>");

    private final boolean addBos;
    private final int[] suppressed;

    public ByteTokenizer(boolean addBos, int... suppressed) {
        this.addBos = addBos;
        this.suppressed = suppressed;
    }

    @Override
    public Vocabulary vocabulary() {
        return this;
    }

    @Override
    public int[] encode(String text, Options options) {
        IntStream.Builder ids = IntStream.builder();
        if (options.addSpecial() && addBos && !text.startsWith("<s>")) {
            ids.add(BOS);
        }
        int at = 0;
        while (at < text.length()) {
            int control = options.parseSpecial() ? controlAt(text, at) : -1;
            if (control >= 0) {
                ids.add(BOS + control);
                at += CONTROL.get(control).length();
            } else {
                int end = text.offsetByCodePoints(at, 1);
                for (byte b : text.substring(at, end).getBytes(StandardCharsets.UTF_8)) {
                    ids.add(b & 0xff);
                }
                at = end;
            }
        }
        return ids.build().toArray();
    }

    private static int controlAt(String text, int at) {
        return IntStream.range(0, CONTROL.size())
                .filter(i -> text.startsWith(CONTROL.get(i), at))
                .findFirst()
                .orElse(-1);
    }

    @Override
    public byte[] bytes(int id) {
        return id < BOS ? new byte[] {(byte) id} : new byte[0];
    }

    @Override
    public boolean addsLeadingSpace() {
        return false;
    }

    @Override
    public String description() {
        return "bytes";
    }

    @Override
    public int size() {
        return SIZE;
    }

    @Override
    public String text(int id) {
        return id < BOS ? String.valueOf((char) id) : CONTROL.get(id - BOS);
    }

    @Override
    public TokenType type(int id) {
        return id < BOS ? TokenType.NORMAL : TokenType.CONTROL;
    }

    @Override
    public float score(int id) {
        return 0;
    }

    @Override
    public OptionalInt find(String text) {
        return IntStream.range(0, SIZE).filter(id -> text(id).equals(text)).findFirst();
    }

    @Override
    public OptionalInt bosId() {
        return OptionalInt.of(BOS);
    }

    @Override
    public OptionalInt eosId() {
        return OptionalInt.of(EOS);
    }

    @Override
    public OptionalInt eotId() {
        return OptionalInt.empty();
    }

    @Override
    public OptionalInt eomId() {
        return OptionalInt.empty();
    }

    @Override
    public OptionalInt unknownId() {
        return OptionalInt.empty();
    }

    @Override
    public OptionalInt separatorId() {
        return OptionalInt.empty();
    }

    @Override
    public OptionalInt paddingId() {
        return OptionalInt.empty();
    }

    @Override
    public boolean addBos() {
        return addBos;
    }

    @Override
    public boolean addEos() {
        return false;
    }

    @Override
    public boolean isEndOfGeneration(int id) {
        return id == EOS || id == IM_END;
    }

    @Override
    public int[] suppressedTokens() {
        return suppressed.clone();
    }
}
