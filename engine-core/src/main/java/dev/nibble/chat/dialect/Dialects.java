package dev.nibble.chat.dialect;

import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The dialects of known models, and how a chat template tells which one its model writes. The first rule that holds counts: the
 * ones with the rarest marks come first, since {@code <tool_call>} alone says nothing.
 */
public final class Dialects {
    /** A dialect, and what is in templates of it: all of some texts, and none of others. */
    private record Rule(Dialect dialect, List<String> with, List<String> without) {
        boolean holds(String template) {
            return with.stream().allMatch(template::contains)
                    && without.stream().noneMatch(template::contains);
        }
    }

    private static final String JSON_CALL = "<tool_call>~%call name arguments id%~</tool_call>";

    private static final String XML_PARAMETERS = "~%(%<parameter=%key%>^%value%^</parameter>~%)%</function>";

    private static final String TAGGED_PARAMETERS =
            "~%(%<arg_key>%key%</arg_key>~<arg_value>%value%</arg_value>~%)%</tool_call>";

    private static final String HARMONY = "(?:<\\|start\\|>(?:assistant)?)?(?=\\s*to=|<\\|channel\\|>|<\\|message\\|>)"
            + "(?:\\s*to=(?:functions\\.)?(?<call>[\\w.-]+))?\\s*"
            + "(?:<\\|channel\\|>\\s*(?:(?<reasoning>analysis)|[\\w-]+))?"
            + "(?:\\s*to=(?:functions\\.)?(?<tool>[\\w.-]+))?"
            + "(?:\\s*<\\|constrain\\|>)?\\s*\\w*\\s*<\\|message\\|>";

    private static final String MUSE =
            "(?:<\\|start\\|>(?:assistant)?)?(?:\\s*to=(?:(?<reasoning>self)|(?<call>(?<tool>[\\w.-]+))))?<\\|message\\|>";

    private static final List<Rule> RULES = List.of(
            rule(
                    Dialect.of(
                                    "deepseek-dsml",
                                    "<｜DSML｜invoke name=\"%name%\">~%(%<｜DSML｜parameter name=\"%key%\" string=\"%type%\">"
                                            + "%value%</｜DSML｜parameter>~%)%</｜DSML｜invoke>")
                            .inSection("<｜DSML｜tool_calls>", "</｜DSML｜tool_calls>")
                            .inSection("<｜DSML｜function_calls>", "</｜DSML｜function_calls>"),
                    "DSML"),
            rule(
                    Dialect.of(
                                    "kimi-k3",
                                    "<|open|>call tool=\"%name%\"%until <|sep|>%<|sep|>~%(%<|open|>argument key=\"%key%\" "
                                            + "type=\"%type%\"<|sep|>%value%<|close|>argument<|sep|>~%)%<|close|>call<|sep|>",
                                    "<|open|>call tool=\"%name%\"%until <|sep|>%<|sep|>~<|open|>json%until <|sep|>%<|sep|>"
                                            + "~%args%~<|close|>json<|sep|>~<|close|>call<|sep|>")
                            .withReasoning("<|open|>think<|sep|>", "<|close|>think<|sep|>")
                            .inSection("<|open|>tools<|sep|>", "<|close|>tools<|sep|>")
                            .dropping(
                                    "<|open|>response<|sep|>",
                                    "<|close|>response<|sep|>",
                                    "<|close|>message<|sep|>",
                                    "<|end_of_msg|>"),
                    "<|open|>",
                    "<|close|>"),
            rule(
                    Dialect.of(
                                    "minimax-m3",
                                    "]<]minimax[>[<invoke name=\"%name%\">~%nested ]<]minimax[>[%~]<]minimax[>[</invoke>")
                            .withReasoning("<mm:think>", "</mm:think>")
                            .inSection("]<]minimax[>[<tool_call>", "]<]minimax[>[</tool_call>"),
                    "]<]minimax[>["),
            rule(
                    Dialect.of(
                                    "muse",
                                    "<atem:invoke name=\"%name%\">~%(%<atem:parameter name=\"%key%\">%value%</atem:parameter>~%)%"
                                            + "</atem:invoke>")
                            .inSection("<atem:function_calls>", "</atem:function_calls>")
                            .withHeader(List.of("<|start|>", " to="), MUSE, "<|eom|>", "<|eot|>")
                            .carrying("<|start|>"),
                    "atem:"),
            rule(
                    Dialect.plain("harmony")
                            .withHeader(
                                    List.of("<|start|>", "<|channel|>", " to="),
                                    HARMONY,
                                    "<|end|>",
                                    "<|call|>",
                                    "<|return|>")
                            .carrying("<|start|>"),
                    "<|channel|>",
                    "<|message|>"),
            rule(
                    Dialect.of("gemma4", "<|tool_call>call:%name%%gemma <|\"|>%<tool_call|>")
                            .withReasoning("<|channel>thought", "<channel|>")
                            .interleaving(),
                    "<|tool_call>call:"),
            rule(
                    Dialect.of("function-gemma", "<start_function_call>call:%name%%gemma <escape>%<end_function_call>"),
                    "<start_function_call>"),
            rule(
                    Dialect.of(
                            "mcp-tool",
                            "<use_mcp_tool>~<server_name>%until </server_name>%</server_name>~<tool_name>%name%</tool_name>~"
                                    + "<arguments>~%args%~</arguments>~</use_mcp_tool>",
                            JSON_CALL),
                    "<use_mcp_tool>"),
            rule(
                    Dialect.of("functionary-3.2", ">>>%name%~%args%")
                            .dropping(">>>all\n")
                            .carrying(">>>"),
                    ">>>all"),
            rule(
                    Dialect.of("functionary-3.1", "<function=%name%>~%args%~</function>"),
                    List.of("<function=", "<|eom_id|>"),
                    "<parameter="),
            rule(mistral("mistral-v13", "[TOOL_CALLS]%name%[CALL_ID]%id 9%[ARGS]~%args%"), "[TOOL_CALLS]", "[CALL_ID]"),
            rule(mistral("mistral-v11", "[TOOL_CALLS]%name%[ARGS]~%args%"), "[TOOL_CALLS]", "[ARGS]"),
            rule(mistral("mistral-v3", "[TOOL_CALLS]~%calls name arguments id 9%"), "[TOOL_CALLS]"),
            rule(
                    Dialect.of("command-r7b", "<|START_ACTION|>~%calls tool_name parameters%~<|END_ACTION|>")
                            .withReasoning("<|START_THINKING|>", "<|END_THINKING|>")
                            .dropping(
                                    "<|START_RESPONSE|>",
                                    "<|END_RESPONSE|>",
                                    "<|START_TEXT|>",
                                    "<|END_TEXT|>",
                                    "<|END_OF_TURN_TOKEN|>"),
                    "<|START_ACTION|>"),
            rule(
                    Dialect.of(
                            "command-r",
                            "Action:~```json~%calls tool_name parameters%~```",
                            "Action: ```json~%calls tool_name parameters%~```"),
                    "Action:",
                    "directly"),
            rule(
                    Dialect.of(
                            "minicpm5",
                            "<function name=\"%name%\">~%(%<param name=\"%key%\">%value%</param>~%)%</function>"),
                    "<function name=",
                    "<param name="),
            rule(
                    Dialect.of(
                                    "minimax-m2",
                                    "<invoke name=\"%name%\">~%(%<parameter name=\"%key%\">%value%</parameter>~%)%</invoke>")
                            .inSection("<minimax:tool_call>", "</minimax:tool_call>"),
                    "<minimax:tool_call>"),
            rule(
                    Dialect.of("seed-oss", "<seed:tool_call>~<function=%name%>" + XML_PARAMETERS + "~</seed:tool_call>")
                            .withReasoning("<seed:think>", "</seed:think>"),
                    "<seed:tool_call>"),
            rule(
                    Dialect.of(
                                    "qwen3-coder",
                                    "<tool_call>~<function=%name%>" + XML_PARAMETERS + "~</tool_call>",
                                    "<function=%name%>" + XML_PARAMETERS + "~%?</tool_call>%")
                            .callingInReasoning(),
                    "<function=",
                    "<parameter="),
            rule(Dialect.of("glm", "<tool_call>%name%" + TAGGED_PARAMETERS), List.of("<arg_key>"), ":arg_key"),
            rule(
                    Dialect.of(
                                    "kimi-k2",
                                    "<|tool_call_begin|>~%functions%~<|tool_call_argument_begin|>~%args%~<|tool_call_end|>")
                            .inSection("<|tool_calls_section_begin|>", "<|tool_calls_section_end|>")
                            .callingInReasoning(),
                    "<|tool_calls_section_begin|>"),
            rule(
                    Dialect.of(
                                    "deepseek",
                                    "<｜tool▁call▁begin｜>function<｜tool▁sep｜>%name%~```json~%args%~```~<｜tool▁call▁end｜>",
                                    "<｜tool▁call▁begin｜>%name%<｜tool▁sep｜>~%args%~<｜tool▁call▁end｜>")
                            .inSection("<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>"),
                    "tool▁calls▁begin"),
            rule(
                    Dialect.of("llama4", "<|python_start|>~%python%~<|python_end|>")
                            .withBare("%python%"),
                    "<|python_start|>"),
            rule(lfm2(), "<|tool_list_start|>"),
            rule(lfm2(), "List of tools: ["),
            rule(
                    Dialect.of("granite3", "<|tool_call|>~%calls name arguments%")
                            .dropping("<response>", "</response>"),
                    "only with <|tool_call|>"),
            rule(Dialect.of("phi4-mini", "<|tool_call|>~%calls name arguments%~<|/tool_call|>"), "<|tool|>"),
            rule(
                    Dialect.of(
                                    "solar-open",
                                    "<|tool_call:begin|>%id%<|tool_call:name|>%name%<|tool_call:args|>~%args%~<|tool_call:end|>")
                            .withReasoning("<|think|>", "<|end|>")
                            .dropping("<|tool_calls|>", "<|content|>", "<|begin|>assistant", "<|end|>", "<|calls|>"),
                    "<|tool_call:begin|>"),
            rule(Dialect.of("nemotron-nano2", "<TOOLCALL>~%calls name arguments%~</TOOLCALL>"), "<TOOLCALL>"),
            rule(
                    Dialect.of("apertus", "<|tools_prefix|>~%keyed%~<|tools_suffix|>")
                            .withReasoning("<|inner_prefix|>", "<|inner_suffix|>"),
                    "<|tools_prefix|>"),
            rule(Dialect.of("gigachat3.1", "<|function_call|>~%call name arguments%"), "<|function_call|>"),
            rule(
                    Dialect.of("gigachat3", "<|message_sep|>~function call<|role_sep|>~%call name arguments%"),
                    "<|role_sep|>",
                    "function call"),
            rule(
                    Dialect.of("apriel", "<tool_calls>~%calls name arguments id%~</tool_calls>")
                            .withReasoning("Here are my reasoning steps:", "[BEGIN FINAL RESPONSE]")
                            .dropping("[END FINAL RESPONSE]"),
                    "<tool_calls>"),
            rule(Dialect.of("firefunction2", "functools~%calls name arguments%"), "functools["),
            rule(Dialect.of("json-in-tags", JSON_CALL), "<tool_call>"),
            rule(
                    Dialect.of("llama3", "<|python_tag|>~%call name parameters%", "<|python_tag|>~%python%")
                            .withBare("%call name parameters%"),
                    "<|start_header_id|>",
                    "\"parameters\":"),
            rule(Dialect.plain("json-array").withBare("%calls name arguments%"), "JSON array", "\"arguments\""));

    private static final Pattern SUFFIX =
            Pattern.compile("(?<=<tool_sep|<tool_calls?|<think):\\w+(?=>)|:opensource\\b");

    private Dialects() {}

    /** The dialect of a template by the marks in its source, empty if none of the rules knows it. */
    public static Optional<Dialect> of(String template) {
        if (template.contains("tool_sep") && template.contains("arg_key")) {
            Matcher suffix = SUFFIX.matcher(template);
            return Optional.of(hunyuan(suffix.find() ? suffix.group() : ""));
        }
        return RULES.stream()
                .filter(rule -> rule.holds(template))
                .map(Rule::dialect)
                .findFirst();
    }

    /** The dialect of a template that says nothing of tools. */
    public static Dialect plain() {
        return Dialect.plain("plain").build();
    }

    private static Rule rule(Dialect.Builder dialect, String... with) {
        return new Rule(dialect.build(), List.of(with), List.of());
    }

    private static Rule rule(Dialect.Builder dialect, List<String> with, String without) {
        return new Rule(dialect.build(), with, List.of(without));
    }

    private static Dialect.Builder mistral(String name, String pattern) {
        return Dialect.of(name, pattern).withReasoning("[THINK]", "[/THINK]");
    }

    private static Dialect.Builder lfm2() {
        return Dialect.of("lfm2", "<|tool_call_start|>~%python%~<|tool_call_end|>");
    }

    /** All marks end with a suffix of the model. */
    private static Dialect hunyuan(String s) {
        return Dialect.of(
                        "hunyuan3",
                        "<tool_call" + s + ">~%name%~<tool_sep" + s + ">~%(%<arg_key" + s + ">%key%</arg_key" + s
                                + ">~<arg_value" + s + ">%value%</arg_value" + s + ">~%)%</tool_call" + s + ">")
                .withReasoning("<think" + s + ">", "</think" + s + ">")
                .inSection("<tool_calls" + s + ">", "</tool_calls" + s + ">")
                .build();
    }
}
