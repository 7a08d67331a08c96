package dev.nibble;

import static dev.nibble.ByteTokenizer.BOS;
import static dev.nibble.ByteTokenizer.IM_END;
import static dev.nibble.ByteTokenizer.IM_START;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nibble.chat.ChatMessage;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ChatTest {
    private static final GenerationOptions FOUR = GenerationOptions.GREEDY.withMaxTokens(4);
    private static final ChatOptions CHAT = ChatOptions.DEFAULT.withGeneration(FOUR);
    private static final String TEMPLATE = "{{ bos_token }}{% for m in messages %}<|im_start|>{{ m.role }}\n"
            + "{{ m.content }}<|im_end|>{% endfor %}"
            + "{% if add_generation_prompt %}<|im_start|>assistant\n{% if thinking %}T{% endif %}{% endif %}";

    private final FakeModel fake = new FakeModel();

    @BeforeEach
    void template() {
        fake.metadata.put("tokenizer.chat_template", TEMPLATE);
    }

    @Test
    void whatIsNotAskedForIsAsTheModelSays() {
        LanguageModel model = fake.open();
        assertThat(model.forChat(GenerationOptions.DEFAULT).temperature()).isEqualTo(0.5f);
        assertThat(model.forChat(GenerationOptions.GREEDY)).isEqualTo(GenerationOptions.GREEDY);
        List<ChatMessage> messages = List.of(ChatMessage.user("hi"));
        GenerationOptions drawn = GenerationOptions.DEFAULT.withMaxTokens(20).withSeed(5);
        assertThat(model.newSession().chat(messages, drawn).result().tokens())
                .isEqualTo(model.newSession()
                        .chat(messages, model.forChat(drawn))
                        .result()
                        .tokens())
                .isNotEqualTo(model.newSession()
                        .chat(messages, drawn.withTemperature(3).withTopP(1))
                        .result()
                        .tokens());
    }

    @Test
    void theTemplateIsRenderedWithOneBos() {
        Session session = fake.open().newSession();
        TokenStream stream = session.chat(List.of(ChatMessage.user("hi")), FOUR);
        int[] tokens = session.tokens();
        assertThat(tokens).startsWith(BOS, IM_START, 'u', 's', 'e', 'r', '\n', 'h', 'i', IM_END, IM_START);
        assertThat(IntStream.of(tokens).filter(id -> id == BOS)).hasSize(1);
        assertThat(stream.result().stats().promptTokens()).isEqualTo(tokens.length);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aConversationEvaluatesOnlyWhatIsNew(boolean canTruncate) {
        fake.pass.canTruncate = canTruncate;
        Session session = fake.open().newSession();
        List<ChatMessage> messages = new ArrayList<>(List.of(ChatMessage.user("hi")));
        // Ends itself, so that the next prompt continues exactly what the session holds.
        session.chat(messages, FOUR);
        fake.continuing(session.length(), "hello");
        Generation first = session.chat(messages, GenerationOptions.GREEDY).result();
        assertThat(first.text()).isEqualTo("hello");
        int held = session.length();
        assertThat(fake.pass.evaluatedRows).hasValue(held);

        messages.add(ChatMessage.assistant(first.text()));
        messages.add(ChatMessage.user("more"));
        TokenStream stream = session.chat(messages, FOUR);
        int prompt = session.length();
        GenerationStats stats = stream.result().stats();
        assertThat(stats.promptTokens()).isEqualTo(prompt);
        assertThat(stats.cachedTokens()).isEqualTo(held);
        assertThat(fake.pass.evaluatedRows.get()).isGreaterThanOrEqualTo(prompt).isLessThan(prompt + 4);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aConversationThatChangedIsTheSameAsANewOne(boolean canTruncate) {
        fake.pass.canTruncate = canTruncate;
        LanguageModel model = fake.open();
        Session session = model.newSession();
        session.chat(List.of(ChatMessage.user("hi"), ChatMessage.assistant("a"), ChatMessage.user("b")), FOUR)
                .result();
        List<ChatMessage> changed = List.of(ChatMessage.user("hi"), ChatMessage.assistant("other"));
        Generation again = session.chat(changed, FOUR).result();
        Generation fresh = model.newSession().chat(changed, FOUR).result();
        assertThat(again.tokens()).isEqualTo(fresh.tokens());
        assertThat(again.stats().promptTokens()).isEqualTo(fresh.stats().promptTokens());
        assertThat(again.stats().cachedTokens() > 0).isEqualTo(canTruncate);
    }

    @Test
    void theSameConversationAgainGivesTheSameAnswer() {
        Session session = fake.open().newSession();
        List<ChatMessage> messages = List.of(ChatMessage.user("hi"));
        Generation first = session.chat(messages, FOUR).result();
        Generation second = session.chat(messages, FOUR).result();
        assertThat(second.tokens()).isEqualTo(first.tokens());
        assertThat(second.stats().cachedTokens()).isEqualTo(second.stats().promptTokens() - 1);
    }

    @Test
    void aConversationThatDoesNotFitLeavesTheSessionAsItIs() {
        Session session = fake.open().newSession();
        session.chat(List.of(ChatMessage.user("hi")), FOUR).result();
        int[] before = session.tokens();
        assertThatThrownBy(() -> session.chat(List.of(ChatMessage.user("x".repeat(300))), FOUR))
                .isInstanceOfSatisfying(ContextOverflowException.class, e -> {
                    assertThat(e.tokens()).isGreaterThan(300);
                    assertThat(e.available()).isEqualTo(200);
                });
        assertThat(session.tokens()).isEqualTo(before);
    }

    @Test
    void controlTokensInAMessageStayTextUnlessAllowed() {
        LanguageModel model = fake.open();
        List<ChatMessage> messages = List.of(ChatMessage.user("a<|im_end|>b"));
        Session session = model.newSession();
        session.chat(messages, FOUR);
        assertThat(IntStream.of(session.tokens()).filter(id -> id == IM_END)).hasSize(1);
        session.chat(messages, CHAT.withControlTokensInMessages(true));
        assertThat(IntStream.of(session.tokens()).filter(id -> id == IM_END)).hasSize(2);
    }

    @Test
    void variablesReachTheTemplate() {
        Session session = fake.open().newSession();
        List<ChatMessage> messages = List.of(ChatMessage.user("hi"));
        session.chat(messages, CHAT.withTemplateVariables(Map.of("thinking", true)));
        assertThat(session.tokens()).endsWith('t', '\n', 'T');
        session.chat(messages, CHAT.withTemplateVariables(Map.of("add_generation_prompt", false)));
        assertThat(session.tokens()).endsWith('h', 'i', IM_END);
    }

    @Test
    void aNamedTemplateIsTakenWhenAskedForOrForTools() {
        fake.metadata.put("tokenizer.chat_template.tool_use", "U{{ tools | length }}");
        fake.metadata.put("tokenizer.chat_template.rag", "R{{ messages[0].content }}");
        LanguageModel model = fake.open();
        assertThat(model.chatTemplates().names()).containsExactlyInAnyOrder("default", "tool_use", "rag");
        assertThat(model.chatTemplate().orElseThrow().source()).isEqualTo(TEMPLATE);
        Session session = model.newSession();
        List<ChatMessage> messages = List.of(ChatMessage.user("hi"));
        session.chat(messages, CHAT.withTemplateName("rag"));
        assertThat(session.tokens()).containsExactly(BOS, 'R', 'h', 'i');
        // an empty list of tools is a list of tools, as for Hugging Face's transformers
        session.chat(messages, CHAT.withTemplateVariables(Map.of("tools", List.of())));
        assertThat(session.tokens()).containsExactly(BOS, 'U', '0');
        session.chat(
                messages,
                CHAT.withTemplateVariables(Map.of("tools", List.of(1))).withTemplateName("default"));
        assertThat(session.tokens()).startsWith(BOS, IM_START);
        session.chat(messages, FOUR);
        assertThat(session.tokens()).startsWith(BOS, IM_START);
    }

    @Test
    void anUnknownTemplateNameIsAnsweredWithThoseThereAre() {
        fake.metadata.put("tokenizer.chat_template.tool_use", "U");
        Session session = fake.open().newSession();
        assertThatThrownBy(() -> session.chat(List.of(ChatMessage.user("hi")), CHAT.withTemplateName("tools")))
                .isInstanceOf(ChatTemplateException.class)
                .hasMessage("fake.gguf: tokenizer.chat_template: the file has no chat template 'tools', only default,"
                        + " tool_use");
    }

    @Test
    void aFileMayHaveNamedTemplatesOnly() {
        fake.metadata.clear();
        fake.metadata.put("tokenizer.chat_template.tool_use", "U");
        LanguageModel model = fake.open();
        assertThat(model.chatTemplate()).isEmpty();
        Session session = model.newSession();
        List<ChatMessage> messages = List.of(ChatMessage.user("hi"));
        assertThatThrownBy(() -> session.chat(messages, FOUR))
                .isInstanceOf(ChatTemplateException.class)
                .hasMessageEndingWith("the file has no default chat template, only tool_use");
        session.chat(messages, CHAT.withTemplateName("tool_use"));
        assertThat(session.tokens()).containsExactly(BOS, 'U');
    }

    @Test
    void withoutATemplateThereIsNoChat() {
        fake.metadata.clear();
        LanguageModel model = fake.open();
        assertThat(model.chatTemplate()).isEmpty();
        assertThatThrownBy(() -> model.newSession().chat(List.of(ChatMessage.user("hi"))))
                .isInstanceOf(UnsupportedModelException.class)
                .hasMessageStartingWith("fake.gguf: tokenizer.chat_template: the file has no chat template");
    }

    @Test
    void aTemplateThatCannotBeParsedStillAllowsPrompts() {
        fake.metadata.put("tokenizer.chat_template", "{% for %}");
        LanguageModel model = fake.open();
        Session session = model.newSession();
        assertThat(session.generate("abc", FOUR).tokens()).hasSize(4);
        assertThatThrownBy(() -> session.chat(List.of(ChatMessage.user("hi")))).isInstanceOf(NibbleException.class);
        assertThatThrownBy(model::chatTemplate).isInstanceOf(NibbleException.class);
    }
}
