package dev.nibble.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import dev.nibble.NibbleException;
import dev.nibble.tokenizer.Tokenizer.Options;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Random vocabularies, sound and malformed, of every algorithm and pre-tokenizer, with random texts: they are refused by
 * a named exception, or tokenize every text soon and within the vocabulary, without making a control token of plain
 * text; a vocabulary of all bytes gives the text back.
 *
 * <p>{@code -Dnibble.fuzz.seconds=600} for a long run, {@code -Dnibble.fuzz.seed} for another one. A failure names the
 * seed of its case, to be kept in {@link #pastFindings}.
 */
class TokenizerFuzzTest {
    private static final String PREFIX = "tokenizer.ggml.";
    private static final Duration LIMIT = Duration.ofSeconds(30);
    private static final List<String> MODELS = List.of("gpt2", "llama", "bert", "t5", "gemma4");
    private static final List<String> PRES = pres();
    private static final TokenType[] TYPES = TokenType.values();
    private static final String[] KEYS = {
        "bos_token_id",
        "eos_token_id",
        "eot_token_id",
        "unknown_token_id",
        "seperator_token_id",
        "padding_token_id",
        "mask_token_id"
    };
    private static final String[] FLAGS = {
        "add_bos_token",
        "add_eos_token",
        "add_sep_token",
        "add_space_prefix",
        "remove_extra_whitespaces",
        "normalizer.lowercase",
        "normalizer.strip_accents"
    };
    private static final String[] PIECES = {
        " ",
        "  ",
        "\n",
        "\r\n",
        "\t",
        "▁",
        "▁▁",
        "a",
        "b",
        "ab",
        "ba",
        "é",
        "É",
        "e\u0301",
        "漢",
        "字",
        "か",
        "\u0e01",
        "\ud83d\ude42",
        "\ud83d\udc68\u200d\ud83d\udc69",
        "\u0600",
        "\u05d0",
        "1",
        "12",
        "123",
        "٣",
        "Ⅻ",
        "'s",
        "'LL",
        ".",
        "...",
        "!?",
        "$",
        "+=",
        "<",
        ">",
        "|",
        "<s>",
        "</s>",
        "<unk>",
        "<|x|>",
        "[CLS]",
        "[SEP]",
        "<0x41>",
        "<0x00>",
        "\0",
        "\u007f",
        "\u00a0",
        "\u2028",
        "\ufeff",
        "\ufffd",
        "\ud800",
        "\udc00",
        "\uffff",
        "\udbff\udfff",
        "ſ",
        "İ",
        "ǅ",
        "ﷺ",
        "ß",
        "http://",
        "IMGIMG",
        "_",
        "\u200b"
    };

    @ParameterizedTest
    @ValueSource(longs = {1})
    void pastFindings(long seed) {
        check(seed);
    }

    @Test
    void vocabulariesAndTextsEndInTokensOrInANamedException() {
        long seed = Long.getLong("nibble.fuzz.seed", 1);
        long end = System.nanoTime()
                + Duration.ofSeconds(Long.getLong("nibble.fuzz.seconds", 2)).toNanos();
        int runs = 0;
        int refused = 0;
        while (System.nanoTime() < end || runs < 500) {
            if (!check(seed + runs)) {
                refused++;
            }
            runs++;
        }
        System.out.println("tokenizers: seed " + seed + ", " + runs + " fuzzed vocabularies, " + refused + " refused");
        assertThat(refused).as("refused of %d", runs).isBetween(runs / 20, runs - runs / 4);
    }

    /** Whether the vocabulary was accepted. */
    private static boolean check(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        Sketch sketch = new Sketch(random);
        try {
            Tokenizer tokenizer = sketch.vocabulary.tokenizer();
            for (int i = 0; i < 8; i++) {
                Options options =
                        Options.PLAIN.withAddSpecial(random.nextBoolean()).withParseSpecial(random.nextBoolean());
                use(tokenizer, sketch, text(random), options, seed);
            }
            return true;
        } catch (NibbleException e) {
            assertThat(e.getMessage()).as("seed " + seed).startsWith("sketch.gguf: tokenizer.");
            return false;
        } catch (RuntimeException | Error e) {
            return fail("seed " + seed + ", " + sketch.description, e);
        }
    }

    private static void use(Tokenizer tokenizer, Sketch sketch, String text, Options options, long seed) {
        String what = "seed " + seed + ", " + sketch.description + ", " + options;
        long start = System.nanoTime();
        int[] ids = tokenizer.encode(text, options);
        assertThat(Duration.ofNanos(System.nanoTime() - start)).as(what).isLessThan(LIMIT);
        Vocabulary vocabulary = tokenizer.vocabulary();
        for (int id : ids) {
            assertThat(id).as(what).isBetween(0, vocabulary.size() - 1);
        }
        // a space mark takes three bytes, and a character of any size may become one token
        byte[] utf8 = Utf8.encode(text);
        assertThat(ids.length).as(what).isLessThanOrEqualTo(18 * utf8.length + 16);
        assertThat(tokenizer.encode(text, options)).as(what).isEqualTo(ids);
        StringBuilder streamed = new StringBuilder();
        StreamingDetokenizer detokenizer = new StreamingDetokenizer(tokenizer, true);
        for (int id : ids) {
            streamed.append(detokenizer.append(id));
        }
        streamed.append(detokenizer.flush());
        assertThat(streamed.toString()).as(what).isEqualTo(tokenizer.decode(ids));
        if (!options.addSpecial() && !options.parseSpecial()) {
            int unknown = vocabulary.unknownId().orElse(-1);
            for (int id : ids) {
                assertThat(id != unknown && vocabulary.isControl(id))
                        .as(what + ": token " + id)
                        .isFalse();
            }
            if (sketch.allBytes) {
                assertThat(tokenizer.decode(ids)).as(what).isEqualTo(new String(utf8, StandardCharsets.UTF_8));
            }
        }
    }

    private static String text(SplittableRandom random) {
        StringBuilder text = new StringBuilder();
        for (int i = random.nextInt(40); i > 0; i--) {
            switch (random.nextInt(8)) {
                case 0 -> text.append((char) random.nextInt(0x10000));
                case 1 -> text.appendCodePoint(random.nextInt(0x110000));
                case 2 -> text.append(PIECES[random.nextInt(PIECES.length)].repeat(random.nextInt(1, 30)));
                case 3 -> text.append((char) random.nextInt(128));
                default -> text.append(PIECES[random.nextInt(PIECES.length)]);
            }
        }
        return text.toString();
    }

    private static List<String> pres() {
        List<String> names = new ArrayList<>();
        PreTokenizer.allNames().forEach(names::add);
        return names;
    }

    /** A random vocabulary. */
    private static final class Sketch {
        final SketchedVocabulary vocabulary;
        final String description;
        /** Whether every text has tokens that give it back. */
        boolean allBytes;

        private final SplittableRandom random;

        Sketch(SplittableRandom random) {
            this.random = random;
            String model = MODELS.get(random.nextInt(MODELS.size()));
            String pre = PRES.get(random.nextInt(PRES.size()));
            boolean bytes = random.nextInt(4) > 0;
            if (model.equals("gpt2") && bytes) {
                vocabulary = SketchedVocabulary.ofBytes(pre);
                allBytes = !Objects.requireNonNull(PreTokenizer.named(pre)).isRawText();
            } else {
                vocabulary = new SketchedVocabulary(model).put(PREFIX + "pre", pre);
                vocabulary.token("<unk>", TokenType.UNKNOWN).token("<s>", TokenType.CONTROL);
                vocabulary.token("</s>", TokenType.CONTROL);
                if (bytes) {
                    vocabulary.byteTokens();
                }
            }
            tokens(random.nextInt(40));
            keys();
            int damages = random.nextInt(3) == 0 ? random.nextInt(1, 4) : 0;
            for (int i = 0; i < damages; i++) {
                damage();
            }
            description = model + " " + pre + ", " + vocabulary.size() + " tokens, " + damages + " damages";
        }

        /** Pieces and what they make together, so that most merges have their tokens. */
        private void tokens(int count) {
            List<String> texts = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                boolean joined = texts.size() > 1 && random.nextInt(3) > 0;
                String text = joined ? join(texts) : piece();
                if (text.length() > 200) {
                    continue;
                }
                texts.add(text);
                TokenType type = random.nextInt(3) > 0 ? TokenType.NORMAL : TYPES[random.nextInt(TYPES.length)];
                if (type == TokenType.BYTE) {
                    text = String.format("<0x%02X>", random.nextInt(256));
                }
                if (!vocabulary.contains(text)) {
                    vocabulary.token(text, type, random.nextInt(-20, 3));
                    // a token that is matched as it is, or stands for nothing, does not give the bytes back
                    allBytes &= type == TokenType.NORMAL || type == TokenType.CONTROL;
                }
            }
        }

        private String join(List<String> texts) {
            String left = texts.get(random.nextInt(texts.size()));
            String right = texts.get(random.nextInt(texts.size()));
            if (random.nextInt(8) > 0) {
                vocabulary.mergeOnly(left + " " + right);
            }
            return left + right;
        }

        /** A piece as tokens are written: in the byte alphabet, sometimes not, or with ▁ for a space. */
        private String piece() {
            String piece = PIECES[random.nextInt(PIECES.length)];
            return allBytes ? SketchedVocabulary.written(piece) : piece.replace(' ', '▁');
        }

        private void keys() {
            for (String key : KEYS) {
                if (random.nextInt(3) == 0) {
                    vocabulary.put(PREFIX + key, (long) random.nextInt(Math.max(1, vocabulary.size())));
                }
            }
            for (String flag : FLAGS) {
                if (random.nextInt(4) == 0) {
                    vocabulary.put(PREFIX + flag, random.nextBoolean());
                }
            }
            if (random.nextInt(6) == 0) {
                vocabulary.put("general.name", "Phi-3");
            }
            if (random.nextInt(3) == 0) {
                long[] map = new long[random.nextInt(64)];
                for (int i = 0; i < map.length; i++) {
                    map[i] = random.nextInt(4) == 0 ? random.nextInt(256) : 0;
                }
                if (map.length > 8) {
                    map[0] = map.length / 4 * 4L - 8;
                    map[1] = 0;
                    map[2] = 0;
                    map[3] = 0;
                    map[map.length - 1] = 0;
                }
                vocabulary.put(PREFIX + "precompiled_charsmap", map);
            }
        }

        private void damage() {
            allBytes = false;
            switch (random.nextInt(7)) {
                case 0 -> vocabulary.token("a");
                case 1 -> vocabulary.token("");
                case 2 -> vocabulary.mergeOnly(PIECES[random.nextInt(PIECES.length)]);
                case 3 -> vocabulary.token("n" + random.nextInt(), Float.intBitsToFloat(random.nextInt()));
                case 4 -> vocabulary.put(PREFIX + KEYS[random.nextInt(KEYS.length)], random.nextLong());
                case 5 -> vocabulary.put(PREFIX + "scores", new float[random.nextInt(300)]);
                default -> vocabulary.put(PREFIX + "token_type", types());
            }
        }

        private long[] types() {
            long[] types = new long[random.nextInt(3) == 0 ? random.nextInt(300) : vocabulary.size()];
            for (int i = 0; i < types.length; i++) {
                types[i] = random.nextInt(-1, 9);
            }
            return types;
        }
    }
}
