package dev.nibble.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nibble.constraint.AnswerFeeding;
import dev.nibble.constraint.Constraint;
import dev.nibble.constraint.ConstraintException;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Calls whose arguments are tags within tags: what is allowed is what is read back as a valid call. */
class NestedCallsTest {
    private static final String MARK = "]<]minimax[>[";
    private static final AnswerDialect DIALECT = AnswerDialect.of(ChatTemplate.parse(MARK));
    private static final List<ToolSpec> TOOLS = List.of(ToolSpec.of("light", "", """
            {"type": "object", "properties": {"room": {"type": "string"}, "levels": {"type": "array", "items": {"type":
            "integer"}}, "at": {"type": "object", "properties": {"hour": {"type": "integer", "maximum": 23}}, "required":
            ["hour"], "additionalProperties": false}}, "required": ["room"], "additionalProperties": false}"""));

    /** A call; each § is the mark that is before every tag. */
    private static String call(String arguments) {
        return "§<tool_call>\n§<invoke name=\"light\">".replace("§", MARK)
                + arguments.replace("§", MARK)
                + "§</invoke>\n§</tool_call>".replace("§", MARK);
    }

    private static int feed(String text) {
        Constraint constraint = DIALECT.constrain(TOOLS, ToolChoice.REQUIRED, true, null, "");
        return AnswerFeeding.feed(constraint, text, false);
    }

    @Test
    void whatIsAllowedIsReadBackAsACall() {
        for (String arguments : List.of(
                "§<room>007§</room>",
                "§<room>hall\n§</room>§<levels>§<item>1§</item>§<item>-20§</item>§</levels>",
                "§<room>a < b§</room>§<at>§<hour>23§</hour>§</at>")) {
            String text = call(arguments);
            assertThat(feed(text)).as(text).isNegative();
            AnswerParser parser = DIALECT.parser(TOOLS, "");
            parser.feed(text);
            parser.finish();
            assertThat(parser.answer().refusedCalls()).as(text).isEmpty();
            assertThat(parser.answer().toolCalls()).as(text).hasSize(1);
        }
    }

    @Test
    void whatWouldBeNoValidCallIsRefused() {
        for (String arguments : List.of(
                "",
                "§<levels>§<item>1§</item>§</levels>",
                "§<room>hall§</room>§<levels>§<item>one§</item>§</levels>",
                "§<room>hall§</room>§<levels>§</levels>",
                "§<room>hall§</room>§<at>§<hour>24§</hour>§</at>",
                "§<room>hall§</room>§<at>§</at>",
                "§<place>hall§</place>")) {
            assertThat(feed(call(arguments))).as(arguments).isNotNegative();
        }
    }

    @Test
    void stringsThatCouldNotBeToldFromNumbersAreRefusedByTheNameOfTheirTool() {
        List<ToolSpec> tools = List.of(ToolSpec.of("tag", "", """
                {"type": "object", "properties": {"names": {"type": "array", "items": {"type": "string"}}}}"""));
        assertThatThrownBy(() -> DIALECT.constrain(tools, ToolChoice.AUTO, true, null, ""))
                .isInstanceOf(ConstraintException.class)
                .hasMessageContaining("the tool tag: the parameter names");
    }
}
