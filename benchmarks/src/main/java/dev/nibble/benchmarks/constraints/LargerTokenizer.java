package dev.nibble.benchmarks.constraints;

import dev.nibble.tokenizer.TokenType;
import dev.nibble.tokenizer.Tokenizer;
import dev.nibble.tokenizer.Vocabulary;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.util.HashSet;
import java.util.Set;
import java.util.SplittableRandom;

/**
 * A tokenizer with more tokens than another: pairs of its short ones, drawn by seed, so that what grows with a vocabulary can be
 * measured beyond the largest at hand. Text is encoded as before.
 */
final class LargerTokenizer implements Tokenizer {
    private static final int MAX_PART = 8;

    private final Tokenizer tokenizer;
    private final byte[][] added;
    private final Vocabulary vocabulary;

    LargerTokenizer(Tokenizer tokenizer, int size) {
        this.tokenizer = tokenizer;
        int known = tokenizer.vocabulary().size();
        added = new byte[Math.max(0, size - known)][];
        SplittableRandom random = new SplittableRandom(1);
        Set<ByteBuffer> seen = new HashSet<>();
        for (int id = 0; id < known; id++) {
            seen.add(ByteBuffer.wrap(tokenizer.bytes(id)));
        }
        for (int i = 0; i < added.length; ) {
            byte[] first = tokenizer.bytes(random.nextInt(known));
            byte[] second = tokenizer.bytes(random.nextInt(known));
            if (first.length > 0 && first.length <= MAX_PART && second.length > 0 && second.length <= MAX_PART) {
                byte[] both = ByteBuffer.allocate(first.length + second.length)
                        .put(first)
                        .put(second)
                        .array();
                if (seen.add(ByteBuffer.wrap(both))) {
                    added[i++] = both;
                }
            }
        }
        Vocabulary before = tokenizer.vocabulary();
        vocabulary = (Vocabulary) Proxy.newProxyInstance(
                Vocabulary.class.getClassLoader(), new Class<?>[] {Vocabulary.class}, (proxy, method, arguments) -> {
                    if (method.getName().equals("size")) {
                        return known + added.length;
                    }
                    boolean isAdded = arguments != null
                            && arguments[0] instanceof Integer id
                            && id >= known; // of those that ask about one
                    return !isAdded
                            ? method.invoke(before, arguments)
                            : switch (method.getName()) {
                                case "text" -> "added";
                                case "type" -> TokenType.NORMAL;
                                case "score" -> 0f;
                                default -> false;
                            };
                });
    }

    @Override
    public Vocabulary vocabulary() {
        return vocabulary;
    }

    @Override
    public int[] encode(String text, Options options) {
        return tokenizer.encode(text, options);
    }

    @Override
    public byte[] bytes(int id) {
        int known = id - (vocabulary.size() - added.length);
        return known < 0 ? tokenizer.bytes(id) : added[known];
    }

    @Override
    public boolean addsLeadingSpace() {
        return tokenizer.addsLeadingSpace();
    }

    @Override
    public String description() {
        return tokenizer.description() + " and " + added.length + " more";
    }
}
