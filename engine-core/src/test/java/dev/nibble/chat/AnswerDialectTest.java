package dev.nibble.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nibble.UnsupportedChatTemplateException;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AnswerDialectTest {
    private static final List<ToolSpec> TOOLS = List.of(
            ToolSpec.of("light", "Switches a light.", """
                    {"type": "object", "properties": {"room": {"type": "string"}, "on": {"type": "boolean"},
                      "levels": {"type": "array", "items": {"type": "integer"}}},
                     "required": ["room"], "additionalProperties": false}"""),
            ToolSpec.of("list", "Lists all.", "{\"type\": \"object\", \"properties\": {}}"));

    private static final String ROOM = "{\"room\": \"hall\"}";
    private static final String ALL = "{\"room\": \"007\", \"on\": true, \"levels\": [1, 2]}";

    /** How a template with these marks has its calls written; \n is a newline. */
    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiterString = " ## ", quoteCharacter = '\u0000', textBlock = """
        <tool_call> ## <tool_call>\\n{"name": "light", "arguments": §}\\n</tool_call>
        <tool_call> ## <tool_call>{"arguments": §, "name": "light"}</tool_call>
        <tool_call><function=<parameter= ## <tool_call>\\n<function=light>\\n<parameter=room>\\n007\\n</parameter>\\n<parameter=on>\\nTrue\\n</parameter>\\n<parameter=levels>\\n[1, 2]\\n</parameter>\\n</function>\\n</tool_call>
        <tool_call><function=<parameter= ## <function=light>\\n<parameter=room>\\n007\\n</parameter>\\n<parameter=on>\\ntrue\\n</parameter>\\n<parameter=levels>\\n[1, 2]\\n</parameter>\\n</function>\\n</tool_call>
        <seed:tool_call><function=<parameter= ## <seed:tool_call>\\n<function=light>\\n<parameter=room>007</parameter>\\n<parameter=on>true</parameter>\\n<parameter=levels>[1, 2]</parameter>\\n</function>\\n</seed:tool_call>
        <function name=<param name= ## <function name="light"><param name="room"><![CDATA[007]]></param><param name="on">true</param><param name="levels">[1, 2]</param></function>
        <tool_call><arg_key> ## <tool_call>light\\n<arg_key>room</arg_key>\\n<arg_value>007</arg_value>\\n<arg_key>on</arg_key>\\n<arg_value>true</arg_value>\\n<arg_key>levels</arg_key>\\n<arg_value>[1, 2]</arg_value>\\n</tool_call>
        <tool_sep:x><arg_key:x> ## <tool_calls:x>\\n<tool_call:x>light<tool_sep:x>\\n<arg_key:x>room</arg_key:x>\\n<arg_value:x>007</arg_value:x>\\n<arg_key:x>on</arg_key:x>\\n<arg_value:x>true</arg_value:x>\\n<arg_key:x>levels</arg_key:x>\\n<arg_value:x>[1, 2]</arg_value:x>\\n</tool_call:x>\\n</tool_calls:x>
        <|start_header_id|>"parameters":<|python_tag|> ## {"name": "light", "parameters": §}
        <|start_header_id|>"parameters":<|python_tag|> ## <|python_tag|>light.call(room="007", on=True, levels=[1, 2])
        <|python_start|> ## <|python_start|>[light(room='007', on=True, levels=[1, 2])]<|python_end|>
        <|python_start|> ## [light(room='007', on=True, levels=(1, 2,))]
        <function=<|eom_id|> ## <function=light>§</function>
        >>>all ## >>>light\\n§
        <use_mcp_tool> ## <use_mcp_tool>\\n<server_name>extras</server_name>\\n<tool_name>light</tool_name>\\n<arguments>\\n§\\n</arguments>\\n</use_mcp_tool>
        functools[ ## functools[{"name": "light", "arguments": §}]
        [TOOL_CALLS] ## [TOOL_CALLS] [{"name": "light", "arguments": §}]
        [TOOL_CALLS][ARGS] ## [TOOL_CALLS]light[ARGS]§
        [TOOL_CALLS][ARGS][CALL_ID] ## [TOOL_CALLS]light[CALL_ID]abcdefghi[ARGS]§
        <|START_ACTION|> ## <|START_ACTION|>[\\n    {"tool_call_id": "0", "tool_name": "light", "parameters": §}\\n]<|END_ACTION|>
        Action:directly-answer ## Action:\\n```json\\n[\\n {\\n "tool_name": "light",\\n "parameters": §\\n }\\n]```
        respond only with <|tool_call|> ## <|tool_call|>[{"name": "light", "arguments": §}]
        <|tool|> ## <|tool_call|>[{"name": "light", "arguments": §}]<|/tool_call|>
        as one JSON array "arguments" ## [{"name": "light", "arguments": §}]
        <TOOLCALL> ## <TOOLCALL>[{"name": "light", "arguments": §}]</TOOLCALL>
        <tool_calls> ## <tool_calls>[{"name": "light", "arguments": §}]</tool_calls>
        <tool_calls> ## <tool_calls>\\n{"name": "light", "arguments": §}\\n</tool_calls>
        <|tools_prefix|> ## <|tools_prefix|>[{"light": §}]<|tools_suffix|>
        <|tool_list_start|> ## <|tool_call_start|>[light(room="007", on=true, levels=[1, 2])]<|tool_call_end|>
        tool▁calls▁begin ## <｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>light\\n```json\\n§\\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>
        tool▁calls▁begin ## <｜tool▁calls▁begin｜><｜tool▁call▁begin｜>light<｜tool▁sep｜>§<｜tool▁call▁end｜><｜tool▁calls▁end｜>
        DSML ## \\n\\n<｜DSML｜function_calls>\\n<｜DSML｜invoke name="light">\\n<｜DSML｜parameter name="room" string="true">007</｜DSML｜parameter>\\n<｜DSML｜parameter name="on" string="false">true</｜DSML｜parameter>\\n<｜DSML｜parameter name="levels" string="false">[1, 2]</｜DSML｜parameter>\\n</｜DSML｜invoke>\\n</｜DSML｜function_calls>
        <|tool_calls_section_begin|> ## <|tool_calls_section_begin|><|tool_call_begin|>functions.light:0<|tool_call_argument_begin|>§<|tool_call_end|><|tool_calls_section_end|>
        <|open|><|close|> ## <|open|>tools<|sep|><|open|>call tool="light" index="1"<|sep|><|open|>argument key="room" type="string"<|sep|>007<|close|>argument<|sep|><|open|>argument key="on" type="boolean"<|sep|>true<|close|>argument<|sep|><|open|>argument key="levels" type="array"<|sep|>[1, 2]<|close|>argument<|sep|><|close|>call<|sep|><|close|>tools<|sep|>
        <|open|><|close|> ## <|open|>tools<|sep|><|open|>call tool="light" index="1"<|sep|><|open|>json type="object"<|sep|>§<|close|>json<|sep|><|close|>call<|sep|><|close|>tools<|sep|>
        <minimax:tool_call> ## <minimax:tool_call>\\n<invoke name="light">\\n<parameter name="room">007</parameter>\\n<parameter name="on">true</parameter>\\n<parameter name="levels">[1, 2]</parameter>\\n</invoke>\\n</minimax:tool_call>
        ]<]minimax[>[ ## ]<]minimax[>[<tool_call>\\n]<]minimax[>[<invoke name="light">]<]minimax[>[<room>007]<]minimax[>[</room>]<]minimax[>[<on>true]<]minimax[>[</on>]<]minimax[>[<levels>]<]minimax[>[<item>1]<]minimax[>[</item>]<]minimax[>[<item>2]<]minimax[>[</item>]<]minimax[>[</levels>]<]minimax[>[</invoke>\\n]<]minimax[>[</tool_call>
        <|channel|><|message|> ## <|channel|>commentary to=functions.light <|constrain|>json<|message|>§<|call|>
        <|channel|><|message|> ##  to=functions.light<|channel|>commentary json<|message|>§
        atem: ##  to=light<|message|><atem:function_calls>\\n<atem:invoke name="light">\\n<atem:parameter name="room">007</atem:parameter>\\n<atem:parameter name="on">true</atem:parameter>\\n<atem:parameter name="levels">[1, 2]</atem:parameter>\\n</atem:invoke>\\n</atem:function_calls>
        <|tool_call>call: ## <|tool_call>call:light{levels:[1,2],on:true,room:<|"|>007<|"|>}<tool_call|>
        <start_function_call> ## <start_function_call>call:light{levels:[1,2],on:true,room:<escape>007<escape>}<end_function_call>
        <|role_sep|>function call ## <|message_sep|>\\n\\nfunction call<|role_sep|>\\n{"name": "light", "arguments": §}
        <|function_call|><|role_sep|> ## <|function_call|>{"name": "light", "arguments": §}
        <|tool_call:begin|> ## <|tool_calls|><|tool_call:begin|>a1<|tool_call:name|>light<|tool_call:args|>§<|tool_call:end|>""")
    void callsAreReadInEveryDialect(String marks, String written) {
        String answer = written.replace("\\n", "\n").replace("§", ALL);
        String prefill = marks.contains("<|message|>") || marks.contains("atem") ? "<|start|>assistant" : "";
        AnswerParser parser = dialect(marks).parser(TOOLS, prefill);
        StringBuilder content = new StringBuilder();
        for (int i = 0; i < answer.length(); i++) {
            for (AnswerDelta delta : parser.feed(answer.substring(i, i + 1))) {
                content.append(delta.kind() == AnswerDelta.Kind.CONTENT ? delta.text() : "");
            }
        }
        parser.finish();
        ChatAnswer whole = parser.answer();
        assertThat(content).isEmpty();
        assertThat(whole.refusedCalls()).isEmpty();
        assertThat(whole.content()).isEmpty();
        assertThat(whole.isComplete()).isTrue();
        assertThat(whole.toolCalls()).hasSize(1);
        ToolCall call = whole.toolCalls().getFirst();
        assertThat(call.name()).isEqualTo("light");
        assertThat(sorted(call.arguments())).isEqualTo(sorted(ALL));
        // Cut anywhere, it is no call, and not silently complete once its name is known.
        int named = answer.indexOf("light") + "light".length() + 1;
        int end = Math.max(answer.lastIndexOf('}'), Math.max(answer.lastIndexOf("2]"), answer.lastIndexOf("true")));
        for (int cut = named; cut < end; cut++) {
            AnswerParser short_ = dialect(marks).parser(TOOLS, prefill);
            short_.feed(answer.substring(0, cut));
            short_.finish();
            assertThat(short_.answer().toolCalls()).as(answer.substring(0, cut)).isEmpty();
            assertThat(short_.answer().isComplete())
                    .as(answer.substring(0, cut))
                    .isFalse();
        }
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiterString = " ## ",
            quoteCharacter = '\u0000',
            ignoreLeadingAndTrailingWhitespace = false,
            textBlock = """
        plain ##  ## <think>\\nwhy\\n</think>\\n\\nSo it is. ## why ## So it is.
        plain ## <think>\\n ## why\\n</think>\\n\\nSo it is. ## why ## So it is.
        plain ## <think>\\n\\n</think>\\n\\n ## So it is. ##  ## So it is.
        plain ##  ## Write <think> to think. ##  ## Write <think> to think.
        plain ## <think> ## never ends ## never ends ##\s
        [TOOL_CALLS][ARGS][THINK] ##  ## [THINK]why[/THINK]So it is. ## why ## So it is.
        <|START_ACTION|> ##  ## <|START_THINKING|>why<|END_THINKING|><|START_RESPONSE|>So it is.<|END_RESPONSE|> ## why ## So it is.
        <tool_calls> ## <|assistant|>\\nHere are my reasoning steps:\\n ## why\\n[BEGIN FINAL RESPONSE]\\nSo it is. ## why ## So it is.
        <|tools_prefix|> ##  ## <|inner_prefix|>why<|inner_suffix|>So it is. ## why ## So it is.
        <|tool_call:begin|> ##  ## <|think|>why<|end|><|begin|>assistant<|content|>So it is. ## why ## So it is.
        only with <|tool_call|> ##  ## <think>why</think><response>So it is.</response> ## why ## So it is.
        <|open|><|close|> ## <|open|>think<|sep|> ## why<|close|>think<|sep|><|open|>response<|sep|>So it is.<|close|>response<|sep|> ## why ## So it is.
        <|tool_call>call: ##  ## <|channel>thought\\nwhy\\n<channel|>So it is. ## why ## So it is.
        <|tool_call>call: ## <|channel>thought\\n<channel|> ## <channel|>So it is. ##  ## So it is.
        <|channel|><|message|> ## <|start|>assistant ## <|channel|>analysis<|message|>why<|end|><|start|>assistant<|channel|>final<|message|>So it is.<|return|> ## why ## So it is.
        <|channel|><|message|> ## <|start|>assistant<|channel|>final<|message|> ## So it is. ##  ## So it is.
        <|channel|><|message|> ## <|start|>assistant ## So it is. ##  ## So it is.
        atem: ## <|start|>assistant ##  to=self<|message|>why<|eom|><|start|>assistant to=user<|message|>So it is. ## why ## So it is.
        >>>all ## >>> ## all\\nSo it is. ##  ## So it is.
        DSML ## </think> ## So it is. ##  ## So it is.""")
    void reasoningIsToldFromTheText(
            String marks,
            @Nullable String prefill,
            @Nullable String written,
            @Nullable String reasoning,
            @Nullable String content) {
        for (List<ToolSpec> tools :
                marks.equals("plain") ? List.of(List.<ToolSpec>of()) : List.of(TOOLS, List.<ToolSpec>of())) {
            ChatAnswer answer = answer(dialect(marks).parser(tools, text(prefill)), text(written));
            assertThat(answer.reasoning()).isEqualTo(text(reasoning));
            assertThat(answer.content()).isEqualTo(text(content).strip());
            assertThat(answer.isComplete()).isTrue();
        }
    }

    @Test
    void whatLooksLikeACallAndIsNoneIsText() {
        AnswerDialect tags = dialect("<tool_call><function=<parameter=");
        String text = "#include <functional> and <tool_call> and <function=, 2 < 3";
        assertThat(answer(tags.parser(TOOLS, ""), text).content()).isEqualTo(text);
        AnswerDialect bare = dialect("<|start_header_id|>\"parameters\":");
        for (String json :
                List.of("{\"city\": \"Bonn\"}", "{\"name\": \"Ada\", \"age\": 3}", "[1, 2]", "{\"name\": \"li")) {
            assertThat(answer(bare.parser(TOOLS, ""), json).content()).as(json).isEqualTo(json);
        }
    }

    @Test
    void withoutToolsNothingIsACall() {
        String text = "<tool_call>{\"name\": \"light\", \"arguments\": {\"room\": \"hall\"}}</tool_call>";
        assertThat(answer(dialect("<tool_call>").parser(List.of(), ""), text).content())
                .isEqualTo(text);
    }

    @Test
    void callsThatAreNotValidAreRefusedWithAReason() {
        AnswerDialect dialect = dialect("<tool_call>");
        String form = "<tool_call>{\"name\": \"%s\", \"arguments\": %s}</tool_call>";
        assertThat(reason(dialect, form.formatted("lights", ROOM))).isEqualTo("there is no tool lights");
        assertThat(reason(dialect, form.formatted("light", "{}"))).isEqualTo("the required argument room is missing");
        assertThat(reason(dialect, form.formatted("light", "{\"room\": 1}"))).contains("do not satisfy the schema");
        assertThat(reason(dialect, form.formatted("light", "{\"room\": \"a\", \"x\": 1}")))
                .contains("do not satisfy the schema");
        assertThat(reason(dialect, form.formatted("light", "{\"room\": \"a\" \"on\": 1}")))
                .contains("is not JSON");
        assertThat(reason(dialect, "<tool_call>{\"name\": \"light\", arguments: {}}</tool_call>"))
                .contains("broken");
    }

    @Test
    void argumentsGivenAsTextOfJsonAreThatJson() {
        ChatAnswer answer = answer(
                dialect("<tool_call>").parser(TOOLS, ""),
                "<tool_call>{\"name\": \"light\", \"arguments\": \"{\\\"room\\\": \\\"hall\\\"}\"}</tool_call>");
        assertThat(answer.toolCalls()).containsExactly(ToolCall.of("light", ROOM, null));
    }

    @Test
    void theFirstOfTwoCallsIsFinishedBeforeTheSecond() {
        AnswerParser parser = dialect("<TOOLCALL>").parser(TOOLS, "");
        parser.feed("<TOOLCALL>[{\"name\": \"light\", \"arguments\": " + ROOM + "}, {\"name\": \"li");
        assertThat(parser.answer().toolCalls()).containsExactly(ToolCall.of("light", ROOM, null));
        parser.finish();
        assertThat(parser.answer().toolCalls()).hasSize(1);
        assertThat(parser.answer().isComplete()).isFalse();
        parser = dialect("<TOOLCALL>").parser(TOOLS, "");
        List<AnswerDelta> deltas = parser.feed("<TOOLCALL>[{\"name\": \"light\", \"arguments\": {\"room\": \"ha");
        assertThat(deltas.toString()).isEqualTo("[CALL light, ARGUMENTS {\"room\": \"ha]");
    }

    @Test
    void aTemplateThatTellsNothingIsRefusedWithTools() {
        AnswerDialect dialect = dialect("{% for m in messages %}{{ m.content }}{% endfor %}");
        assertThat(dialect.hasToolCalls()).isFalse();
        assertThatThrownBy(() -> dialect.parser(TOOLS, ""))
                .isExactlyInstanceOf(UnsupportedChatTemplateException.class)
                .hasMessageContaining("does not tell how the model calls tools");
        assertThat(answer(dialect.parser(List.of(), ""), " Hello. ").content()).isEqualTo("Hello.");
    }

    private static String reason(AnswerDialect dialect, String text) {
        ChatAnswer answer = answer(dialect.parser(TOOLS, ""), text);
        assertThat(answer.toolCalls()).isEmpty();
        assertThat(answer.content()).isEmpty();
        assertThat(answer.refusedCalls()).hasSize(1);
        return answer.refusedCalls().getFirst().reason();
    }

    private static ChatAnswer answer(AnswerParser parser, String text) {
        parser.feed(text);
        parser.finish();
        return parser.answer();
    }

    private static String text(@Nullable String cell) {
        return cell == null ? "" : cell.replace("\\n", "\n");
    }

    private static String sorted(String json) {
        return json.chars()
                .filter(c -> c != ' ')
                .sorted()
                .mapToObj(c -> String.valueOf((char) c))
                .collect(Collectors.joining());
    }

    private static AnswerDialect dialect(String marks) {
        return AnswerDialect.of(ChatTemplate.parse(marks));
    }
}
