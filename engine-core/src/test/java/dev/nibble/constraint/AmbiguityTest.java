package dev.nibble.constraint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Grammars that read a text in many ways allow what they say, and what is the same is written the same. */
class AmbiguityTest {
    private final Exprs exprs = new Exprs();

    @Test
    void aTextIsFollowedOnceForAllTheWaysToReadIt() {
        Matcher matcher =
                Constraint.grammar("root ::= s\ns ::= \"a\" s s | \"a\"").matcher(Feeding.MASKS);
        for (int length = 1; length <= 400; length++) {
            matcher = matcher.accept('a');
            assertThat(matcher.isComplete()).as("%d letters", length).isEqualTo(length % 2 == 1);
        }
        assertThat(matcher.allows('b')).isFalse();
    }

    @Test
    void rulesThatBeginAlikeAreReadOnce() {
        StringBuilder grammar = new StringBuilder();
        for (int i = 0; i < 30; i++) {
            String next = "r" + (i + 1);
            grammar.append(i == 0 ? "root" : "r" + i)
                    .append(" ::= ")
                    .append(next)
                    .append(" \"x\" | ")
                    .append(next)
                    .append(" \"y\"\n");
        }
        Constraint constraint = Constraint.grammar(grammar + "r30 ::= \"a\"");
        assertThat(Feeding.feed(constraint, "a" + "xy".repeat(15), 0)).isNegative();
        assertThat(Feeding.feed(constraint, "a" + "xy".repeat(14), 0)).isEqualTo(29);
        assertThat(Feeding.feed(constraint, "axz", 0)).isEqualTo(2);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "a?a?a?; a{0,3}",
                "aa{2,4}|a{1,2}; a{1,5}",
                "a+|; a*",
                "ab|ac; a(b|c)",
                "(a?){5}; a{0,5}",
                "(ab|cb)|; ((a|c)b)?",
                "x*y|y; x*y"
            })
    void whatIsTheSameIsOneExpression(String one, String other) {
        assertThat(minimal(one)).isSameAs(minimal(other));
    }

    private Expr minimal(String pattern) {
        return Automaton.determine(exprs, RegexParser.whole(exprs, Characters.PLAIN, pattern), 1000);
    }

    @Test
    void longChainsOfStatesAreJoinedAsShortOnes() {
        // Both count to 3000, once in steps of two and once in steps of three.
        assertThat(Automaton.determine(exprs, RegexParser.whole(exprs, Characters.PLAIN, "(aa){1500}"), 5000))
                .isSameAs(Automaton.determine(exprs, RegexParser.whole(exprs, Characters.PLAIN, "(aaa){1000}"), 5000));
    }

    @Test
    void leftRecursionIsNamedHoweverItIsHidden() {
        assertThatThrownBy(() -> Constraint.grammar("root ::= a \"x\"\na ::= b? root | \"y\"\nb ::= \"z\"*"))
                .isInstanceOf(ConstraintException.class)
                .hasMessageContaining("left recursion")
                .hasMessageContaining("begins with itself through");
        assertThat(Feeding.feed(
                        Constraint.grammar("root ::= \"(\" root \")\" | a root? | \"-\"\na ::= [ab]+"), "((ab))", 1))
                .isNegative();
    }
}
