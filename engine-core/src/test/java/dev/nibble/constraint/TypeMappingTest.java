package dev.nibble.constraint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigDecimal;
import java.time.LocalDate;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Java types as JSON: schemas that allow what can be read back, and nothing else. */
class TypeMappingTest {
    enum Mode {
        HEAT,
        @Named("cool down")
        COOL
    }

    record Dim(String room, @Description("0 is off") @Range(min = 0, max = 100) int percent) {}

    sealed interface Command permits Switch, Scene {}

    record Switch(String device, boolean on) implements Command {}

    @Named("scene")
    record Scene(@Size(min = 1, max = 3) List<Dim> dims) implements Command {}

    record Tree(int value, Optional<Tree> left, Optional<Tree> right) {}

    record Everything(
            Mode mode,
            Set<Mode> modes,
            LocalDate day,
            BigDecimal price,
            double ratio,
            long[] counts,
            Map<String, Byte> levels,
            @Matching("[A-Z]{2}\\d") String code,
            char initial) {}

    record Picky(int value) {
        Picky {
            if (value == 7) {
                throw new IllegalArgumentException("not seven");
            }
        }
    }

    record Chain(Chain next) {}

    @Test
    void readsWhatTheSchemaAllows() {
        assertThat(TypeMapping.of(Dim.class).read("{\"room\":\"kitchen\",\"percent\":33}"))
                .isEqualTo(new Dim("kitchen", 33));
        assertThat(TypeMapping.of(Command.class).read("{\"type\":\"scene\",\"dims\":[{\"room\":\"a\",\"percent\":0}]}"))
                .isEqualTo(new Scene(List.of(new Dim("a", 0))));
        assertThat(TypeMapping.of(Tree.class).read("{\"value\":1,\"left\":null,\"right\":{\"value\":2,\"left\":null,\"right\":null}}"))
                .isEqualTo(new Tree(1, Optional.empty(), Optional.of(new Tree(2, Optional.empty(), Optional.empty()))));
        Everything all = TypeMapping.of(Everything.class)
                .read("{\"mode\":\"cool down\",\"modes\":[\"HEAT\"],\"day\":\"2024-02-29\",\"price\":1.50,\"ratio\":0.5,"
                        + "\"counts\":[1,2],\"levels\":{\"a\":-128},\"code\":\"AB1\",\"initial\":\"ß\"}");
        assertThat(all.mode()).isEqualTo(Mode.COOL);
        assertThat(all.modes()).containsExactly(Mode.HEAT);
        assertThat(all.day()).isEqualTo("2024-02-29");
        assertThat(all.counts()).containsExactly(1, 2);
        assertThat(all.levels()).containsEntry("a", (byte) -128);
        assertThat(all.initial()).isEqualTo('ß');
    }

    @Test
    void keepsTextsToTheTypeAndItsBounds() {
        Constraint dim = TypeMapping.of(Dim.class).constraint();
        assertThat(Feeding.feed(dim, "{\"room\":\"k\",\"percent\":100}", 0)).isNegative();
        assertThat(Feeding.feed(dim, "{\"room\":\"k\",\"percent\":101}", 0)).isNotNegative();
        assertThat(Feeding.feed(dim, "{\"room\":\"k\"}", 0)).isNotNegative();
        Constraint everything = TypeMapping.of(LocalDate.class).constraint();
        assertThat(Feeding.feed(everything, "\"2023-02-29\"", 0)).isNotNegative();
        assertThat(Feeding.feed(everything, "\"2000-02-29\"", 0)).isNegative();
    }

    @Test
    void readsBackWhateverAConstrainedWalkWrites() {
        Random random = new Random(5);
        for (Class<?> type : List.of(Dim.class, Command.class, Tree.class, Everything.class)) {
            TypeMapping<?> mapping = TypeMapping.of(type);
            int read = 0;
            for (int walk = 0; walk < 60; walk++) {
                String text = RandomWalk.text(mapping.constraint(), random, 400);
                if (text != null) {
                    assertThat(mapping.read(text)).as(text).isInstanceOf(type);
                    read++;
                }
            }
            assertThat(read).as("walks that ended, of %s", type).isPositive();
        }
    }

    @Test
    void saysWhichPartOfATypeCannotBeWritten() {
        record Holder(List<Object> things) {}
        assertThatThrownBy(() -> TypeMapping.of(Holder.class))
                .isInstanceOf(ConstraintException.class)
                .hasMessageContaining("things[]")
                .hasMessageContaining("java.lang.Object");
        assertThatThrownBy(() -> TypeMapping.of(Chain.class))
                .isInstanceOf(ConstraintException.class)
                .hasMessageContaining("unsatisfiable");
        record Names(Set<String> names) {}
        assertThatThrownBy(() -> TypeMapping.of(Names.class)).hasMessageContaining("use a List");
        record Wrong(@Range(max = 1) String text) {}
        assertThatThrownBy(() -> TypeMapping.of(Wrong.class)).hasMessageContaining("@Range is for numbers");
    }

    @Test
    void passesOnWhatTheTypeItselfRefuses() {
        assertThatThrownBy(() -> TypeMapping.of(Picky.class).read("{\"value\":7}"))
                .isInstanceOf(ConstraintException.class)
                .hasMessageContaining("not seven");
        assertThatThrownBy(() -> TypeMapping.of(Dim.class).read("{\"room\":1,\"percent\":2}"))
                .hasMessageContaining("$.room: a string is expected, not 1");
    }
}
