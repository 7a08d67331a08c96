package dev.nibble;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What models share is opened once and closed once, in whatever order its users come and go. */
@Timeout(60)
class EngineTest {
    private final List<Part> opened = new ArrayList<>();

    private static class Part implements AutoCloseable {
        int closings;

        @Override
        public void close() {
            closings++;
        }
    }

    private static final class Failing extends Part {
        @Override
        public void close() {
            super.close();
            throw new IllegalStateException("closing");
        }
    }

    private Part open() {
        opened.add(new Part());
        return opened.getLast();
    }

    @Test
    void aPartIsOpenedOnceAndStaysUntilTheEngineIsClosed() {
        Engine engine = Engine.open();
        Engine.Share<Part> first = engine.share(Part.class, this::open);
        Engine.Share<Part> second = engine.share(Part.class, this::open);
        assertThat(first.get()).isSameAs(second.get());
        first.close();
        first.close();
        second.close();
        assertThat(opened).hasSize(1);
        Engine.Share<Part> third = engine.share(Part.class, this::open);
        assertThat(opened).hasSize(1);
        third.close();
        assertThat(opened.getFirst().closings).isZero();
        engine.close();
        engine.close();
        assertThat(opened.getFirst().closings).isEqualTo(1);
    }

    @Test
    void anEngineThatIsClosedWhileItIsUsedWaitsForItsUsers() {
        Engine engine = Engine.open();
        Engine.Share<Part> first = engine.share(Part.class, this::open);
        Engine.Share<Part> second = engine.share(Part.class, this::open);
        engine.close();
        assertThatThrownBy(() -> engine.share(Part.class, this::open))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("the engine is closed");
        first.close();
        assertThat(opened.getFirst().closings).isZero();
        second.close();
        assertThat(opened.getFirst().closings).isEqualTo(1);
    }

    @Test
    void theSharedEngineClosesAPartWithItsLastUserAndOpensItAgain() {
        Engine.shared().close(); // changes nothing
        Engine.Share<Part> first = Engine.shared().share(Part.class, this::open);
        Engine.Share<Part> second = Engine.shared().share(Part.class, this::open);
        second.close();
        assertThat(opened.getFirst().closings).isZero();
        first.close();
        assertThat(opened.getFirst().closings).isEqualTo(1);
        Engine.shared().share(Part.class, this::open).close();
        assertThat(opened).hasSize(2).allMatch(part -> part.closings == 1);
    }

    @Test
    void aPartThatCannotBeOpenedIsNotThere() {
        Engine engine = Engine.open();
        assertThatThrownBy(() -> engine.share(Part.class, () -> {
                    throw new UnsupportedOperationException("opening");
                }))
                .hasMessage("opening");
        engine.share(Part.class, this::open).close();
        engine.close();
        assertThat(opened).hasSize(1).allMatch(part -> part.closings == 1);
    }

    @Test
    void aPartThatCannotBeClosedDoesNotKeepOthersOpen() {
        Engine engine = Engine.open();
        engine.share(Failing.class, Failing::new).close();
        engine.share(Part.class, this::open).close();
        assertThatThrownBy(engine::close).hasMessage("closing");
        assertThat(opened).allMatch(part -> part.closings == 1);
        engine.close();
    }

    @Test
    void aModelIsNotLoadedWithAClosedEngine() {
        Engine engine = Engine.open();
        engine.close();
        assertThatThrownBy(() -> LanguageModel.load(Path.of("none.gguf"), LoadOptions.DEFAULT.withEngine(engine)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("the engine is closed");
    }

    @Test
    void optionsKnowWhatWasSet() {
        EngineOptions four = EngineOptions.DEFAULT.withThreads(4);
        assertThat(four.threads()).hasValue(4);
        assertThat(EngineOptions.DEFAULT.threads()).isEmpty();
        assertThat(EngineOptions.DEFAULT.orElse(four)).isEqualTo(four).hasSameHashCodeAs(four);
        assertThat(EngineOptions.DEFAULT.withThreads(2).orElse(four).threads()).hasValue(2);
        assertThat(four).hasToString("EngineOptions[threads=OptionalInt[4]]");
        assertThatThrownBy(() -> four.withThreads(0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("threads must be 1 or more, not 0");
        try (Engine engine = Engine.open(four)) {
            assertThat(engine.options()).isEqualTo(four);
            assertThat(engine).hasToString("Engine[EngineOptions[threads=OptionalInt[4]]]");
        }
        assertThat(Engine.shared()).hasToString("Engine[shared]");
        assertThat(four.memoryBudget()).isEmpty();
        assertThat(four.withMemoryBudget(5).memoryBudget()).hasValue(5);
        assertThatThrownBy(() -> four.withMemoryBudget(-1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("memoryBudget must be 0 or more, not -1");
    }

    private static FakeModel within(Engine engine) {
        FakeModel fake = new FakeModel();
        fake.options = LoadOptions.DEFAULT.withEngine(engine);
        fake.pass.bytesPerToken = 1000;
        fake.contextLength = 2000;
        return fake;
    }

    /** A KV cache is taken in pages of 256 tokens, here of 1000 bytes each. */
    @Test
    void sessionsTakeTheirMemoryFromTheBudgetAndGiveItBack() {
        try (Engine engine = Engine.open(EngineOptions.DEFAULT.withMemoryBudget(600_000));
                LanguageModel model = within(engine).open()) {
            Session first = model.newSession();
            Session second = model.newSession();
            assertThat(engine.memoryUsed()).isZero();
            first.evaluate(new int[10], false);
            second.evaluate(new int[10], false);
            assertThat(engine.memoryUsed()).isEqualTo(512_000);
            float[] expected = first.evaluate(new int[3], false);
            assertThatThrownBy(() -> first.evaluate(new int[400], false))
                    .isInstanceOf(OutOfMemoryException.class)
                    .hasMessage("the KV cache of 157 more tokens needs 157 kB, but only 88.0 kB are left of the"
                            + " engine's memory budget of 600 kB; close sessions or models, or give the engine more"
                            + " with EngineOptions.withMemoryBudget");
            assertThat(first.length()).isEqualTo(13);
            second.close();
            first.evaluate(new int[400], false);
            assertThat(engine.memoryUsed()).isEqualTo(512_000);
            first.reset();
            first.evaluate(new int[10], false);
            assertThat(first.evaluate(new int[3], false)).isEqualTo(expected);
            assertThat(engine.memoryUsed()).isEqualTo(512_000);
            first.close();
            assertThat(engine.memoryUsed()).isZero();
        }
    }

    @Test
    void aContextThatWasAskedForMustFitTheBudget() {
        try (Engine engine = Engine.open(EngineOptions.DEFAULT.withMemoryBudget(600_000));
                LanguageModel model = within(engine).open()) {
            assertThatThrownBy(() -> model.newSession(SessionOptions.DEFAULT.withContextLength(1000)))
                    .isInstanceOf(OutOfMemoryException.class)
                    .hasMessageStartingWith("the KV cache of a context of 1000 tokens needs 1.00 MB, but only 600 kB"
                            + " are left of the engine's memory budget of 600 kB")
                    .satisfies(e -> assertThat(((OutOfMemoryException) e).fittingContext())
                            .hasValue(600));
            assertThat(model.newSession(SessionOptions.DEFAULT.withContextLength(600))
                            .contextLength())
                    .isEqualTo(600);
        }
    }

    @Test
    void aGenerationEndsWhereTheBudgetDoes() {
        try (Engine engine = Engine.open(EngineOptions.DEFAULT.withMemoryBudget(300_000));
                LanguageModel model = within(engine).open();
                Session session = model.newSession()) {
            assertThatThrownBy(() -> session.generate("abc", GenerationOptions.GREEDY.withIgnoreEndOfGeneration(true)))
                    .isInstanceOf(OutOfMemoryException.class)
                    .hasMessageContaining("of the engine's memory budget");
            assertThat(session.length()).as("what was generated is kept").isEqualTo(257);
        }
    }
}
