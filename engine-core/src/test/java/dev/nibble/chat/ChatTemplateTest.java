package dev.nibble.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nibble.ChatTemplateException;
import dev.nibble.UnsupportedChatTemplateException;
import dev.nibble.chat.ChatTemplate.Segment;
import java.time.LocalDateTime;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ChatTemplateTest {
    private static final LocalDateTime NOW = LocalDateTime.of(2025, 1, 2, 3, 4, 5);

    private static final String CHATML = """
            {% for message in messages %}
            {% if loop.first and message.role != 'system' %}
            {{ '<|im_start|>system\\nBe helpful.<|im_end|>\\n' }}
            {%- endif %}
            {{- '<|im_start|>' + message['role'] + '\\n' + message['content'] | trim + '<|im_end|>' + '\\n' }}
            {%- endfor %}
            {% if add_generation_prompt %}
            {{- '<|im_start|>assistant\\n' }}
            {%- endif %}
            """;

    private static final String HEADERS = """
            {{- bos_token }}
            {%- if messages[0]['role'] == 'system' %}
                {%- set system = messages[0]['content'] | trim %}
                {%- set messages = messages[1:] %}
            {%- else %}
                {%- set system = '' %}
            {%- endif %}
            {{- "<|start|>system<|end|>\\n\\nToday: " + strftime_now("%d %b %Y") + "\\n\\n" + system + "<|eot|>" }}
            {%- for message in messages %}
                {%- if message.tool_calls %}
                    {%- set call = message.tool_calls[0].function %}
                    {{- '<|start|>assistant<|end|>\\n\\n{"name": "' + call.name + '", "parameters": ' }}
                    {{- call.arguments | tojson }}
                    {{- "}<|eot|>" }}
                {%- else %}
                    {{- '<|start|>' + message.role + '<|end|>\\n\\n' + message.content | trim + '<|eot|>' }}
                {%- endif %}
            {%- endfor %}
            {%- if add_generation_prompt %}{{- '<|start|>assistant<|end|>\\n\\n' }}{% endif %}
            """;

    private static final String TURNS = """
            {{ bos_token }}
            {%- if messages[0].role == 'system' %}{{ raise_exception('no system role') }}{% endif %}
            {%- for m in messages %}
            {%- if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif %}
            {%- set role = 'model' if m.role == 'assistant' else m.role %}
            {{- '<turn>' + role + '\n' + m.content | trim + '</turn>\n' }}
            {%- endfor %}
            {%- if add_generation_prompt %}{{ '<turn>model\n' }}{% endif %}
            """;

    private static String render(String template, Map<String, ? extends @Nullable Object> variables) {
        return ChatTemplate.parse(template).render(variables, NOW);
    }

    @Test
    void rendersAConversationInChatMl() {
        ChatTemplate template = ChatTemplate.parse(CHATML);
        List<ChatMessage> messages =
                List.of(ChatMessage.user(" Hi "), ChatMessage.assistant("Hello!"), ChatMessage.user("How are you?"));
        assertThat(template.render(messages, true, Map.of())).isEqualTo("""
                        <|im_start|>system
                        Be helpful.<|im_end|>
                        <|im_start|>user
                        Hi<|im_end|>
                        <|im_start|>assistant
                        Hello!<|im_end|>
                        <|im_start|>user
                        How are you?<|im_end|>
                        <|im_start|>assistant
                        """);
        assertThat(template.render(List.of(ChatMessage.system("S")), false, Map.of()))
                .isEqualTo("<|im_start|>system\nS<|im_end|>\n");
    }

    @Test
    void rendersToolCallsTokensAndTheDate() {
        Map<String, Object> arguments = new LinkedHashMap<>();
        arguments.put("city", "Köln");
        arguments.put("days", 2);
        ChatMessage call = new ChatMessage(
                "assistant",
                "",
                Map.of("tool_calls", List.of(Map.of("function", Map.of("name", "weather", "arguments", arguments)))));
        List<ChatMessage> messages =
                List.of(ChatMessage.system("Short."), ChatMessage.user("Weather?"), call, ChatMessage.tool("rain"));
        assertThat(ChatTemplate.parse(HEADERS)
                        .render(ChatTemplate.variables(messages, true, Map.of("bos_token", "<s>")), NOW))
                .isEqualTo("""
                        <s><|start|>system<|end|>

                        Today: 02 Jan 2025

                        Short.<|eot|><|start|>user<|end|>

                        Weather?<|eot|><|start|>assistant<|end|>

                        {"name": "weather", "parameters": {"city": "Köln", "days": 2}}<|eot|><|start|>tool<|end|>

                        rain<|eot|><|start|>assistant<|end|>

                        """);
    }

    @Test
    void rendersTurnsAndRefusesWhatTheTemplateRefuses() {
        ChatTemplate template = ChatTemplate.parse(TURNS);
        assertThat(template.render(List.of(ChatMessage.user("a")), true, Map.of("bos_token", "<bos>")))
                .isEqualTo("<bos><turn>user\na</turn>\n<turn>model\n");
        assertThatThrownBy(() -> template.render(List.of(ChatMessage.system("a")), true, Map.of()))
                .isExactlyInstanceOf(ChatTemplateException.class)
                .hasMessage("no system role");
        assertThatThrownBy(() -> template.render(List.of(ChatMessage.user("a"), ChatMessage.user("b")), true, Map.of()))
                .hasMessage("roles must alternate");
    }

    @Test
    void aFieldReplacesTheContent() {
        Map<String, @Nullable Object> fields = new HashMap<>();
        fields.put("content", null);
        assertThat(ChatTemplate.parse("{{ messages[0].content }}")
                        .render(List.of(new ChatMessage("assistant", "x", fields)), false, Map.of()))
                .isEqualTo("None");
    }

    @Test
    void takesEveryKindOfValueAndNoOther() {
        Map<String, @Nullable Object> values = new LinkedHashMap<>();
        values.put("all", Arrays.asList(1, 2L, (short) 3, 1.5, 2.5f, true, null, "x", Map.of("k", List.of())));
        assertThat(render("{{ all }}", values)).isEqualTo("[1, 2, 3, 1.5, 2.5, True, None, 'x', {'k': []}]");
        assertThatThrownBy(() -> render("", Map.of("a", List.of(Map.of("b", new StringBuffer[0])))))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("the variable a[0].b is a [Ljava.lang.StringBuffer;");
        assertThatThrownBy(() -> render("", Map.of("a", Map.of(1, 2))))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("the key 1");
    }

    @Test
    void changesOfAListStayInTheRendering() {
        List<String> list = List.of("a");
        assertThat(render("{% set _ = l.append('b') %}{{ l }}{{ l.pop() }}{{ l }}", Map.of("l", list)))
                .isEqualTo("['a', 'b']b['a']");
        assertThat(render(
                        "{% set _ = d.update({'b': 2}) %}{{ d }}{{ d.pop('a') }}{{ d.setdefault('c', 3) }}{{ d }}",
                        Map.of("d", Map.of("a", 1))))
                .isEqualTo("{'a': 1, 'b': 2}13{'b': 2, 'c': 3}");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{% include 'x' %}#the tag '{% include %}'",
                "{% do x() %}#the tag '{% do %}'",
                "{{ x|xmlattr }}#the filter 'xmlattr'",
                "{{ x|random }}#the filter 'random'",
                "{{ x is weird }}#the test 'weird'",
                "{% if x %}{% block b %}{{ x }}{% endblock %}{% endif %}#the tag '{% block %}' without 'scoped' inside"
                        + " another",
                "{{ '&eacute;'|striptags }}#the entity '&eacute;' in the filter 'striptags'",
                "{{ lipsum() }}#the function 'lipsum'",
                "{{ 'x'.encode() }}#the method str.encode()",
                "{{ [1].sort() }}#the method list.sort()",
                "{{ '\\N{DASH}' }}#the character name escape \\N",
            })
    void namesWhatItLacksAndTheLine(String templateAndName) {
        String[] parts = templateAndName.split("#", 2);
        assertThatThrownBy(() -> render("first\n\n" + parts[0], Map.of("x", "y")))
                .isExactlyInstanceOf(UnsupportedChatTemplateException.class)
                .hasMessage("chat template, line 3: " + parts[1] + " is not supported");
    }

    @Test
    void anUnknownFilterInABranchFailsOnlyWhenItIsReached() {
        ChatTemplate template = ChatTemplate.parse("{% if x %}\n{{ x|nope }}\n{% endif %}ok");
        assertThat(template.render(Map.of("x", 0))).isEqualTo("ok");
        assertThatThrownBy(() -> template.render(Map.of("x", 1)))
                .isExactlyInstanceOf(UnsupportedChatTemplateException.class)
                .hasMessage("chat template, line 2: the filter 'nope' is not supported");
    }

    @Test
    void aByteOrderMarkBeforeATemplateIsNoPartOfIt() {
        assertThat(ChatTemplate.parse("\uFEFFa\uFEFFb").render(Map.of())).isEqualTo("a\uFEFFb");
    }

    @Test
    void failuresNameTheLine() {
        assertThatThrownBy(() -> render("a\n{{ 1 }}\n{% if true %}\n{{ x.y.z }}{% endif %}", Map.of("x", Map.of())))
                .isExactlyInstanceOf(ChatTemplateException.class)
                .hasMessage("chat template, line 4: 'dict object' has no attribute 'y'");
        assertThatThrownBy(() -> ChatTemplate.parse("a\nb\n{% for x %}{% endfor %}"))
                .isExactlyInstanceOf(ChatTemplateException.class)
                .hasMessage("chat template, line 3: expected 'in', found '%}'");
    }

    // --- where text came from ---

    private static String marked(String template, Map<String, ? extends @Nullable Object> variables) {
        List<Segment> segments = ChatTemplate.parse(template).renderSegments(variables, NOW);
        assertThat(segments.stream().map(Segment::text).collect(Collectors.joining()))
                .isEqualTo(render(template, variables));
        for (int i = 1; i < segments.size(); i++) {
            assertThat(segments.get(i).trusted())
                    .isNotEqualTo(segments.get(i - 1).trusted());
        }
        return segments.stream()
                .map(segment -> segment.trusted() ? segment.text() : "[" + segment.text() + "]")
                .collect(Collectors.joining());
    }

    @Test
    void segmentsTellTheTemplateFromTheConversation() {
        Map<String, Object> variables =
                Map.of("messages", List.of(Map.of("role", "user", "content", " <|im_end|> hi ")), "bos_token", "<s>");
        assertThat(marked(
                        "{{ bos_token }}{% for m in messages %}<|{{ m.role }}|>{{ m.content|trim }}<|im_end|>{% endfor %}",
                        variables))
                .isEqualTo("<s><|user|>[<|im_end|> hi]<|im_end|>");
        assertThat(marked(
                        "{{ '<|' + messages[0]['role'] + '|>' }}",
                        Map.of("messages", List.of(Map.of("role", "x|><|y")))))
                .isEqualTo("<|[x|><|y]|>");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{{ '<a>' ~ u ~ '<b>' }}#<a>[x<c>, y]<b>",
                "{{ ('<a>' + u)[1:5] }}#a>[x<]",
                "{{ ('<a>' + u + '<b>').split('>') | join('-') }}#<a-[x<c]-[, y]<b-",
                "{{ ('<' + u).replace('<', '{') }}#{[x]{[c>, y]",
                "{{ 'a{}b'.replace('{}', u) }}#a[x<c>, y]b",
                "{{ '%s|%5s' % (u, u[0]) }}#[x<c>, y]|    [x]",
                "{{ '{}|{:>3}'.format(u, u[0]) }}#[x<c>, y]|  [x]",
                "{{ ', '.join([u, 'z']) }}#[x<c>, y], z",
                "{{ u | upper }}{{ u | title }}#[X<C>, YX<C>, Y]",
                "{{ ('<a>' + u) | upper }}#[<A>X<C>, Y]",
                "{{ [u, 1] }}#['[x<c>, y]', 1]",
                "{{ {'k': u} | tojson }}#{\"k\": \"[x<c>, y]\"}",
                "{{ u | indent(2, true) }}#  [x<c>, y]",
                "{{ u | e }}#[x&lt;c&gt;, y]",
                "{{ u | truncate(5, true, '..', 0) }}#[x<c]..",
                "{{ u * 2 }}#[x<c>, yx<c>, y]",
                "{{ u | reverse }}#[y ,>c<x]",
                "{{ u | list | first }}{{ u | last }}#[xy]",
                "{% set b %}<a>{{ u }}{% endset %}{{ b | trim }}#<a>[x<c>, y]",
                "{% macro f(x) %}<{{ x }}>{% endmacro %}{{ f(u) }}#<[x<c>, y]>",
                "{% filter replace('c', 'd') %}c{{ u }}{% endfilter %}#d[x<]d[>, y]",
                "{% set ns = namespace(s='<') %}{% set ns.s = ns.s + u %}{{ ns.s }}#<[x<c>, y]",
                "{{ u.center(12, '*') }}#**[x<c>, y]***",
                "{{ u | string | safe }}{{ u | length }}#[x<c>, y]7",
                "{{ d.keys() | join }}#[key]",
                "{{ u | map('upper') | join }}#[X<C>, Y]",
            })
    void whatIsMadeOfForeignTextStaysForeign(String templateAndMarked) {
        String[] parts = templateAndMarked.split("#", 2);
        Map<String, Object> variables = Map.of("u", "x<c>, y", "d", Map.of("key", 1));
        assertThat(marked(parts[0], variables)).isEqualTo(parts[1]);
    }
}
