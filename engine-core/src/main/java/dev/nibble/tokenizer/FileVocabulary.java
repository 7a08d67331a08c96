package dev.nibble.tokenizer;

import dev.nibble.model.Metadata;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;

/** The vocabulary of a model file. */
final class FileVocabulary implements Vocabulary {
    private static final String TYPES_KEY = "tokenizer.ggml.token_type";
    private static final String SCORES_KEY = "tokenizer.ggml.scores";

    /** The tokenizer models that choose by scores. */
    private static final Set<String> SCORED = Set.of("llama", "t5");

    /** Control tokens of the harmony format that structure an answer: whoever reads it needs them in the text. */
    private static final List<String> SHOWN =
            List.of("<|channel|>", "<|message|>", "<|start|>", "<|constrain|>", "<|end|>");

    private final TokenTable table;
    private final TokenType[] types;
    private final float[] scores; // [size], or empty when all are 0
    private final SpecialIds ids;
    private final BitSet stops;
    private final BitSet shown = new BitSet();
    private final boolean addBos;
    private final boolean addEos;
    private final boolean addSeparator;
    private final int[] suppressed;

    /**
     * @param addBosDefault whether BOS is added where the file does not say
     * @param addEosDefault whether EOS is added where the file does not say
     * @param forceBos whether BOS is added whatever the file says, because files are known to be wrong
     */
    FileVocabulary(
            Metadata metadata,
            TokenTable table,
            SpecialIds ids,
            boolean addBosDefault,
            boolean addEosDefault,
            boolean forceBos) {
        this.table = table;
        this.ids = ids;
        types = types(metadata, table.size());
        scores = scores(metadata, table.size());
        stops = EndOfGeneration.find(metadata, table, ids, types);
        if (table.find("<|channel|>") != TokenTable.NONE) {
            for (String text : SHOWN) {
                int id = table.find(text);
                if (id != TokenTable.NONE && !stops.get(id)) {
                    shown.set(id);
                }
            }
        }
        addBos = flag(metadata, "bos", addBosDefault, forceBos, ids.bos());
        addEos = flag(metadata, "eos", addEosDefault, false, ids.eos());
        addSeparator = metadata.optionalBoolean("tokenizer.ggml.add_sep_token", false);
        suppressed = suppressed(metadata, table.size());
    }

    TokenTable table() {
        return table;
    }

    /** Whether {@link Tokenizer#bytes} gives the text of a token although it is a control token. */
    boolean isShown(int id) {
        return shown.get(id);
    }

    @Override
    public int size() {
        return table.size();
    }

    @Override
    public String text(int id) {
        return table.text(check(id));
    }

    @Override
    public TokenType type(int id) {
        return types[check(id)];
    }

    @Override
    public float score(int id) {
        check(id);
        return scores.length == 0 ? 0 : scores[id];
    }

    @Override
    public OptionalInt find(String text) {
        int id = table.find(text);
        return id == TokenTable.NONE ? OptionalInt.empty() : OptionalInt.of(id);
    }

    /**
     * The token whose text is {@code text[from, to)}, for what comes out of a text: a control token never does, whatever
     * its text, or a user could write it. {@link TokenTable#NONE} if there is none.
     */
    int findText(byte[] text, int from, int to) {
        int id = table.find(text, from, to);
        return id != TokenTable.NONE && types[id] == TokenType.CONTROL ? TokenTable.NONE : id;
    }

    @Override
    public OptionalInt bosId() {
        return ids.bos();
    }

    @Override
    public OptionalInt eosId() {
        return ids.eos();
    }

    @Override
    public OptionalInt eotId() {
        return ids.eot();
    }

    @Override
    public OptionalInt eomId() {
        return ids.eom();
    }

    @Override
    public OptionalInt unknownId() {
        return ids.unknown();
    }

    @Override
    public OptionalInt separatorId() {
        return ids.separator();
    }

    @Override
    public OptionalInt paddingId() {
        return ids.padding();
    }

    @Override
    public boolean addBos() {
        return addBos;
    }

    @Override
    public boolean addEos() {
        return addEos;
    }

    @Override
    public boolean addSeparator() {
        return addSeparator;
    }

    @Override
    public boolean isEndOfGeneration(int id) {
        return stops.get(check(id));
    }

    @Override
    public int[] suppressedTokens() {
        return suppressed.clone();
    }

    private int check(int id) {
        if (id < 0 || id >= table.size()) {
            throw new IllegalArgumentException(
                    "token " + id + " is not in the vocabulary of " + table.size() + " tokens");
        }
        return id;
    }

    private static TokenType[] types(Metadata metadata, int size) {
        TokenType[] types = new TokenType[size];
        long[] codes = metadata.optionalLongs(TYPES_KEY);
        if (codes == null) {
            Arrays.fill(types, TokenType.NORMAL);
            return types;
        }
        requireLength(metadata, TYPES_KEY, codes.length, size);
        for (int id = 0; id < size; id++) {
            types[id] = TokenType.of(codes[id]);
        }
        return types;
    }

    private static float[] scores(Metadata metadata, int size) {
        float[] scores;
        if (!SCORED.contains(metadata.requireString("tokenizer.ggml.model")) && !isUsable(metadata, size)) {
            return new float[0];
        }
        if (metadata.get(SCORES_KEY) instanceof long[] integers) {
            requireLength(metadata, SCORES_KEY, integers.length, size);
            scores = new float[size];
            for (int id = 0; id < size; id++) {
                scores[id] = integers[id];
            }
            return scores;
        }
        float[] read = metadata.optionalFloats(SCORES_KEY);
        if (read == null) {
            return new float[0];
        }
        requireLength(metadata, SCORES_KEY, read.length, size);
        scores = Arrays.copyOf(read, size);
        for (int id = 0; id < size; id++) {
            if (Float.isNaN(scores[id])) {
                throw metadata.failure(SCORES_KEY, "the score of token " + id + " is not a number");
            }
        }
        return scores;
    }

    /** Whether scores that nothing is chosen by are worth showing. */
    private static boolean isUsable(Metadata metadata, int size) {
        return switch (metadata.get(SCORES_KEY)) {
            case long[] integers -> integers.length >= size;
            case float[] floats -> {
                boolean usable = floats.length >= size;
                for (float score : floats) {
                    usable &= !Float.isNaN(score);
                }
                yield usable;
            }
            case null, default -> false;
        };
    }

    private static void requireLength(Metadata metadata, String key, int length, int size) {
        if (length < size) {
            throw metadata.failure(key, "expected a value for each of the " + size + " tokens, found " + length);
        }
    }

    private static boolean flag(Metadata metadata, String name, boolean defaultValue, boolean forced, OptionalInt id) {
        String key = "tokenizer.ggml.add_" + name + "_token";
        boolean value = metadata.optionalBoolean(key, defaultValue) || forced;
        if (value && id.isEmpty()) {
            throw metadata.failure(
                    key, "texts shall have a " + name + " token, but tokenizer.ggml." + name + "_token_id names none");
        }
        return value;
    }

    private static int[] suppressed(Metadata metadata, int size) {
        long[] listed = metadata.optionalLongs("tokenizer.ggml.suppress_tokens");
        return listed == null
                ? new int[0]
                : Arrays.stream(listed)
                        .filter(id -> id >= 0 && id < size)
                        .mapToInt(id -> (int) id)
                        .toArray();
    }
}
