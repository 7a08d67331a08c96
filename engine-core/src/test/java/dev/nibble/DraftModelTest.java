package dev.nibble;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** A second model guesses what the first one generates, which changes how often that one is evaluated and nothing else. */
class DraftModelTest {
    private static final GenerationOptions GREEDY = GenerationOptions.GREEDY;
    private static final String TEXT = "The quick brown fox jumps over a lazy dog.";
    private static final int PROMPT = 4; // "abc" and BOS

    private static FakeModel saying(String text) {
        return new FakeModel().continuing(PROMPT, text);
    }

    private static Generation generate(FakeModel target, FakeModel draft, GenerationOptions options, int tokens) {
        try (LanguageModel small = draft.open();
                LanguageModel model = target.open();
                Session session = model.newSession()) {
            return session.generate(
                    "abc", options.withSpeculation(Speculation.draft(small).withTokens(tokens)));
        } finally {
            draft.pass.closed = false; // the fakes are used again
            target.pass.closed = false;
        }
    }

    @Test
    void whatItGuessesRightIsEvaluatedAtOnce() {
        FakeModel target = saying(TEXT);
        FakeModel draft = saying(TEXT);
        Generation generation = generate(target, draft, GREEDY, 4);
        assertThat(generation.text()).isEqualTo(TEXT);
        assertThat(generation.stats().draftedTokens())
                .isEqualTo(generation.stats().acceptedTokens())
                .isGreaterThan(30);
        assertThat(target.pass.evaluations).isLessThan(12);
        assertThat(draft.pass.evaluatedRows.get())
                .as("no token is evaluated twice")
                .isLessThanOrEqualTo(PROMPT + TEXT.length());
    }

    @Test
    void whatItGuessesWrongChangesNothing() {
        for (String guessed : List.of("The slow brown fox jumps under a lazy cat.", "", "ThTe quick", TEXT + "!!")) {
            for (int tokens : new int[] {1, 4, 16}) {
                for (int most = 0; most < 50; most += 7) {
                    Generation generation = generate(saying(TEXT), saying(guessed), GREEDY.withMaxTokens(most), tokens);
                    assertThat(generation.text()).isEqualTo(TEXT.substring(0, Math.min(most, TEXT.length())));
                }
            }
        }
        GenerationOptions random =
                GenerationOptions.DEFAULT.withTemperature(1).withSeed(3).withMaxTokens(60);
        int[] plain;
        try (LanguageModel model = new FakeModel().open();
                Session session = model.newSession()) {
            plain = session.generate("abc", random).tokens();
        }
        assertThat(generate(new FakeModel(), new FakeModel(), random, 5).tokens())
                .isEqualTo(plain);
    }

    @Test
    void itsContextFollowsASessionThatGoesBackAndOn() {
        FakeModel draft = saying(TEXT);
        Set<Integer> starts = new TreeSet<>();
        draft.pass.onBatch = batch -> starts.add(batch.position(0));
        try (LanguageModel small = draft.open();
                LanguageModel model = saying(TEXT).open();
                Session session = model.newSession()) {
            GenerationOptions options =
                    GREEDY.withSpeculation(Speculation.draft(small).withTokens(3));
            assertThat(session.generate("abc", options.withMaxTokens(21)).text())
                    .isEqualTo(TEXT.substring(0, 21));
            starts.clear();
            session.truncate(PROMPT + 10);
            assertThat(session.generate("", options).text()).isEqualTo(TEXT.substring(10));
            assertThat(starts).as("what is the same is not evaluated again").allMatch(start -> start >= PROMPT + 9);
            session.reset();
            assertThat(session.generate("abc", options).text()).isEqualTo(TEXT);
            assertThat(small.stats().sessions()).isEqualTo(1);
        }
    }

    @Test
    void itsContextIsClosedWithTheSession() {
        FakeModel draft = saying(TEXT);
        try (LanguageModel small = draft.open()) {
            GenerationOptions options = GREEDY.withSpeculation(Speculation.draft(small));
            try (LanguageModel model = saying(TEXT).open()) {
                Session read = model.newSession();
                read.generate("abc", options);
                Session left = model.newSession();
                TokenStream stream = left.stream("abc", options);
                for (int i = 0; i < 5; i++) {
                    stream.next();
                }
                assertThat(small.stats().sessions()).isEqualTo(2);
                read.close();
                left.close();
                assertThat(small.stats().sessions()).isZero();
                assertThat(draft.pass.openSequences).hasValue(0);
                model.newSession().generate("abc", options);
                assertThat(small.stats().sessions()).isEqualTo(1);
            }
            assertThat(small.stats().sessions()).isZero();
        }
    }

    @Test
    void aDraftModelThatWasClosedIsSaid() {
        try (LanguageModel model = saying(TEXT).open();
                Session session = model.newSession()) {
            LanguageModel small = saying(TEXT).open();
            GenerationOptions options =
                    GREEDY.withSpeculation(Speculation.draft(small).withTokens(2));
            TokenStream stream = session.stream("abc", options);
            List<String> texts = new ArrayList<>();
            for (int i = 0; i < 5; i++) {
                texts.add(stream.next().text());
            }
            small.close();
            assertThatThrownBy(() -> stream.forEachRemaining(token -> texts.add(token.text())))
                    .isInstanceOf(DraftModelException.class)
                    .hasMessageContaining("the draft model was closed");
            stream.close();
            assertThat(TEXT).startsWith(String.join("", texts));
            int held = session.length();
            assertThat(held).isEqualTo(PROMPT + texts.size());
            try (Session other = model.newSession()) {
                assertThatThrownBy(() -> other.stream("abc", options))
                        .isInstanceOf(DraftModelException.class)
                        .hasMessageContaining("the draft model is closed");
                assertThat(other.length()).isZero();
            }
            assertThat(session.generate("", GREEDY.withSpeculation(Speculation.lookup()))
                            .text())
                    .isEqualTo(TEXT.substring(texts.size()));
        }
    }

    @Test
    void anotherVocabularyIsRefusedWithTheFirstTokenThatDiffers() {
        FakeModel draft = saying(TEXT);
        draft.tokenizer = new ByteTokenizer(true) {
            @Override
            public String text(int id) {
                return id == 77 || id == 99 ? "other" : super.text(id);
            }
        };
        try (LanguageModel small = draft.open();
                LanguageModel model = saying(TEXT).open();
                Session session = model.newSession()) {
            assertThatThrownBy(() -> session.stream("abc", GREEDY.withSpeculation(Speculation.draft(small))))
                    .isInstanceOf(DraftModelException.class)
                    .hasMessageStartingWith(
                            "the draft model has another vocabulary: token 77 is 'other' there and 'M' in the model");
            assertThat(session.length()).isZero();
            assertThat(session.generate("abc", GREEDY).text()).isEqualTo(TEXT);
        }
    }

    @Test
    void aSmallerContextOfItEndsTheGuessesAndNotTheText() {
        FakeModel draft = saying(TEXT);
        draft.contextLength = PROMPT + 15;
        Generation generation = generate(saying(TEXT), draft, GREEDY, 3);
        assertThat(generation.text()).isEqualTo(TEXT);
        assertThat(generation.stats().acceptedTokens()).isBetween(8, 20);
    }

    @Test
    void aModelCanGuessForItself() {
        FakeModel target = saying(TEXT);
        try (LanguageModel model = target.open()) {
            try (Session session = model.newSession()) {
                Speculation speculation = Speculation.draft(model).withTokens(4);
                assertThat(session.generate("abc", GREEDY.withSpeculation(speculation))
                                .text())
                        .isEqualTo(TEXT);
                assertThat(Arrays.stream(session.tokens()).skip(PROMPT).toArray())
                        .isEqualTo(TEXT.chars().toArray());
            }
            model.newSession().generate("abc", GREEDY.withSpeculation(Speculation.draft(model)));
        }
        assertThat(target.pass.openSequences).hasValue(0);
    }
}
