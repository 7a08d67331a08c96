package dev.nibble.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nibble.GenerationOptions;
import dev.nibble.LanguageModel;
import dev.nibble.LoadOptions;
import dev.nibble.Session;
import dev.nibble.TokenStream;
import dev.nibble.constraint.Constraint;
import dev.nibble.constraint.Matcher;
import dev.nibble.constraint.TokenMasks;
import dev.nibble.tensor.DType;
import dev.nibble.testdata.TinyModels;
import java.io.IOException;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What decoding allocates, on all threads that take part, as the virtual machine counts it. */
class AllocationTest {
    private static final int TOKENS = 100;

    @TempDir
    Path folder;

    private Path write(String name, DType dtype) throws IOException {
        Path file = folder.resolve(name + dtype + ".gguf");
        TinyModels.write(name, 1, dtype, file);
        return file;
    }

    @ParameterizedTest
    @ValueSource(strings = {"llama", "llama-moe", "qwen35", "lfm2", "gpt-oss", "gemma3n", "deepseek2"})
    void evaluatingATokenCanDoWithoutAllocating(String name) throws IOException {
        assertThat(EvaluationAllocation.least(write(name, DType.Q8_0), 1)).isZero();
    }

    /** Loops that differ: with a minimum and without, scales of 16 and of 32 weights, levels, types read row by row. */
    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"Q4_0", "Q4_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q6_K", "IQ4_XS", "IQ3_S", "F16"})
    void evaluatingTokensOfATypeCanDoWithoutAllocating(DType dtype) throws IOException {
        Path file = write("llama", dtype);
        assertThat(EvaluationAllocation.least(file, 1)).as("one by one").isZero();
        assertThat(EvaluationAllocation.least(file, EvaluationAllocation.TOKENS))
                .as("as a prompt")
                .isZero();
    }

    /** That a process can do without allocating; what came before may have the compiler choose otherwise in this one. */
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 4})
    void choosingATokenAllocatesNothing(int chain) throws IOException {
        long allocated = ChoiceAllocation.countHere(chain);
        if (allocated > 0) {
            System.err.println("chain " + chain + ": " + allocated + " bytes; counting in a new process");
            allocated = EvaluationAllocation.countInNewProcess(ChoiceAllocation.class, Integer.toString(chain));
        }
        assertThat(allocated).isZero();
    }

    /** Only what the caller gets is new: the token with its text. */
    @Test
    void generatingATokenAllocatesTheTokenOnly() throws IOException {
        try (LanguageModel model = LanguageModel.load(write("llama", DType.Q8_0), LoadOptions.DEFAULT.withThreads(2));
                Session session = model.newSession()) {
            GenerationOptions options = GenerationOptions.DEFAULT.withIgnoreEndOfGeneration(true);
            AllocationCounter counter = new AllocationCounter();
            long allocated = counter.count(
                    () -> {
                        session.reset();
                        TokenStream stream = session.stream(new int[] {1, 2, 3}, options);
                        stream.next();
                        counter.start();
                        for (int i = 0; i < TOKENS; i++) {
                            stream.next();
                        }
                    },
                    500L * TOKENS);
            assertThat(allocated).isBetween(0L, 500L * TOKENS);
        }
    }

    static Stream<Constraint> constraints() {
        return Stream.of(
                Constraint.jsonSchema(
                        "{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{\"name\":{\"type\":"
                                + "\"string\",\"maxLength\":20},\"size\":{\"type\":\"number\"}}},\"minItems\":100}"),
                Constraint.jsonObject(),
                Constraint.regex("([a-z]+ ?)+"),
                Constraint.grammar("root ::= \"(\" root \")\" | [0-9]+ | pair pair\npair ::= \"a\" root? \"b\""));
    }

    /** Where a text has been before: masks, tokens that are tried, and the way back. */
    @ParameterizedTest
    @MethodSource("constraints")
    void followingAConstraintAllocatesNothing(Constraint constraint) throws IOException {
        try (LanguageModel model = LanguageModel.load(write("llama", DType.Q8_0), LoadOptions.DEFAULT.withThreads(1))) {
            Matcher start = constraint.matcher(TokenMasks.of(model.tokenizer()));
            long[] mask = new long[start.maskWords()];
            Matcher[] places = new Matcher[TOKENS + 1]; // those a caller keeps, to go back to
            long allocated = new AllocationCounter().count(() -> follow(start, mask, places), 0);
            assertThat(allocated).isZero();
        }
    }

    private static void follow(Matcher start, long[] mask, Matcher[] places) {
        places[0] = start;
        for (int i = 0; i < TOKENS; i++) {
            places[i].mask(mask);
            int token = -1;
            for (int word = 0; word < mask.length && (token < 0 || i % 3 > 0); word++) { // not always the first one
                if (mask[word] != 0) {
                    token = 64 * word + Long.numberOfTrailingZeros(mask[word]);
                }
            }
            places[i + 1] = token < 0 ? start : places[i].accept(token);
            if (token >= 0 && !places[i].allows(token)) {
                throw new AssertionError("the mask has the token " + token + ", which is refused");
            }
        }
    }

    /** A constraint adds nothing to it, whether the model's own choice is allowed or the masked logits are asked. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void generatingATokenUnderAConstraintAllocatesTheTokenOnly(boolean greedy) throws IOException {
        try (LanguageModel model = LanguageModel.load(write("llama", DType.Q8_0), LoadOptions.DEFAULT.withThreads(2));
                Session session = model.newSession()) {
            GenerationOptions options = (greedy ? GenerationOptions.GREEDY : GenerationOptions.DEFAULT.withSeed(1))
                    .withConstraint(Constraint.regex("[a-z ,.]{2000,}"));
            AllocationCounter counter = new AllocationCounter();
            long allocated = counter.count(
                    () -> {
                        session.reset();
                        TokenStream stream = session.stream(new int[] {1, 2, 3}, options);
                        stream.next();
                        counter.start();
                        for (int i = 0; i < TOKENS; i++) {
                            stream.next();
                        }
                    },
                    500L * TOKENS);
            assertThat(allocated).isBetween(0L, 500L * TOKENS);
        }
    }
}
