package dev.nibble;

import static dev.nibble.ByteTokenizer.EOS;
import static dev.nibble.ByteTokenizer.IM_START;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nibble.chat.AnswerDelta;
import dev.nibble.chat.ChatAnswer;
import dev.nibble.chat.ChatMessage;
import dev.nibble.chat.ChatTemplate;
import dev.nibble.chat.Tool;
import dev.nibble.chat.ToolCall;
import dev.nibble.chat.ToolChoice;
import dev.nibble.chat.ToolSpec;
import dev.nibble.constraint.ConstraintException;
import dev.nibble.constraint.Range;
import dev.nibble.constraint.Size;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Tools that a model may call: what it is told, what it may write, what becomes of it. */
class ToolsTest {
    private static final String TEMPLATE = "{% if tools %}{{ tools | tojson }}{% endif %}"
            + "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}{% for c in m.tool_calls or [] %}<tool_call>\n"
            + "{{ {'name': c.function.name, 'arguments': c.function.arguments} | tojson }}\n</tool_call>{% endfor %}<|im_end|>"
            + "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";
    private static final List<ChatMessage> MESSAGES = List.of(ChatMessage.user("hi"));
    private static final String CALL =
            "<tool_call>\n{\"name\": \"dim\", \"arguments\": {\"room\": \"hall\", \"percent\": 5}}\n" + "</tool_call>";

    record Dim(
            @Size(max = 8) String room,

            @Range(min = 0, max = 100) int percent) {}

    record Nothing() {}

    private final FakeModel fake = new FakeModel();
    private final List<Dim> dimmed = new ArrayList<>();
    private final Tool dim = Tool.of("dim", "Dims a lamp", Dim.class, arguments -> {
        dimmed.add(arguments);
        return Map.of("done", true);
    });
    private final Tool list = Tool.of("list", "Lists the rooms", Nothing.class, arguments -> List.of("hall", "attic"));
    private final ChatOptions options = ChatOptions.DEFAULT
            .withGeneration(GenerationOptions.GREEDY.withMaxTokens(300))
            .withTools(dim, list);

    @BeforeEach
    void model() {
        fake.metadata.put("tokenizer.chat_template", TEMPLATE);
        fake.contextLength = 5000;
    }

    /** Makes the model want to give these answers, one after the other in a conversation. */
    private void answers(String... texts) {
        byte[] header = "assistant\n".getBytes(StandardCharsets.UTF_8);
        fake.pass.next = tokens -> {
            int begun = 0;
            int start = 0;
            for (int at = 0; at < tokens.size(); at++) {
                if (tokens.get(at) == IM_START && at + header.length < tokens.size() && tokens.get(at + 1) == 'a') {
                    begun++;
                    start = at + 1 + header.length;
                }
            }
            byte[] text = texts[Math.min(begun, texts.length) - 1].getBytes(StandardCharsets.UTF_8);
            int index = tokens.size() - start;
            return index < text.length ? text[index] & 0xFF : EOS;
        };
    }

    private ChatAnswer answer(ChatOptions how) {
        try (LanguageModel model = fake.open();
                Session session = model.newSession();
                AnswerStream stream = session.answer(MESSAGES, how)) {
            return stream.result();
        } finally {
            fake.pass.closed = false;
        }
    }

    @Test
    void theTemplateTellsOfTheToolsAndTheAnswerIsTakenApart() {
        answers("I dim it." + CALL);
        try (LanguageModel model = fake.open();
                Session session = model.newSession();
                AnswerStream stream = session.answer(MESSAGES, options)) {
            String prompt = model.tokenizer().decode(session.tokens());
            assertThat(prompt)
                    .startsWith("[{\"type\": \"function\", \"function\": {\"name\": \"dim\", "
                            + "\"description\": \"Dims a lamp\", \"parameters\": {\"type\": \"object\"")
                    .contains("\"maximum\": 100");
            ChatAnswer answer = stream.result();
            assertThat(answer.content()).isEqualTo("I dim it.");
            assertThat(answer.toolCalls())
                    .containsExactly(ToolCall.of("dim", "{\"room\": \"hall\", \"percent\": 5}", null));
            assertThat(stream.generation().isComplete()).isTrue();
        }
    }

    @Test
    void aCallThatIsNotValidCannotBeWritten() {
        answers(CALL.replace("5", "500").replace("dim", "dam"));
        ChatAnswer answer = answer(options);
        assertThat(answer.refusedCalls()).isEmpty();
        assertThat(answer.toolCalls())
                .isNotEmpty()
                .allSatisfy(call -> assertThat(call.name()).isIn("dim", "list"));
    }

    @Test
    void textWithoutACallStaysFree() {
        answers("No <tool is needed, {\"a\": 1}.");
        ChatAnswer answer = answer(options);
        assertThat(answer.content()).isEqualTo("No <tool is needed, {\"a\": 1}.");
        assertThat(answer.toolCalls()).isEmpty();
    }

    @Test
    void whetherToolsAreCalledCanBeChosen() {
        answers("Hello.");
        assertThat(answer(options.withToolChoice(ToolChoice.REQUIRED)).toolCalls())
                .isNotEmpty();
        assertThat(answer(options.withToolChoice(ToolChoice.named("list"))).toolCalls())
                .isNotEmpty()
                .allSatisfy(call -> assertThat(call.name()).isEqualTo("list"));
        answers(CALL);
        ChatAnswer none = answer(options.withToolChoice(ToolChoice.NONE));
        assertThat(none.toolCalls()).isEmpty();
        assertThat(none.content()).startsWith("<tool_call").doesNotContain("<tool_call>");
        assertThatThrownBy(() -> answer(options.withToolChoice(ToolChoice.named("lost"))))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("there is no tool lost");
    }

    @Test
    void callsInParallelCanBeForbidden() {
        answers(CALL + "\n" + CALL);
        assertThat(answer(options).toolCalls()).hasSize(2);
        assertThat(answer(options.withParallelToolCalls(false)).toolCalls()).hasSize(1);
    }

    @Test
    void anAnswerIsCallsOrSatisfiesItsConstraint() {
        ChatOptions both = options.withGeneration(options.generation().withChoices(List.of("yes", "no")));
        answers("yes");
        assertThat(answer(both).content()).isEqualTo("yes");
        answers(CALL);
        assertThat(answer(both).toolCalls()).hasSize(1);
    }

    @Test
    void aCallThatIsCutIsNoCall() {
        answers(CALL);
        for (int tokens = 20; tokens < CALL.length(); tokens += 7) {
            ChatAnswer answer = answer(options.withGeneration(GenerationOptions.GREEDY.withMaxTokens(tokens)));
            assertThat(answer.toolCalls()).isEmpty();
            assertThat(answer.isComplete()).isFalse();
        }
    }

    @Test
    void toolsAreRefusedWhereTheTemplateTellsNothingOfCalls() {
        ChatOptions plain =
                options.withTemplate(ChatTemplate.parse("{% for m in messages %}{{ m.content }}{% endfor %}"));
        assertThatThrownBy(() -> answer(plain))
                .isInstanceOf(UnsupportedChatTemplateException.class)
                .hasMessageContaining("does not tell how the model calls tools");
    }

    @Test
    void aSchemaThatCannotBeEnforcedIsRefusedWithTheNameOfItsTool() {
        Tool odd = Tool.of(ToolSpec.of("odd", "", "{\"type\": \"object\", \"unevaluatedProperties\": false}"));
        assertThatThrownBy(() -> answer(options.withTools(dim, odd)))
                .isInstanceOf(ConstraintException.class)
                .hasMessageContaining("the tool odd: ")
                .hasMessageContaining("unevaluatedProperties");
    }

    @Test
    void thinkingIsSwitchedInTheTemplate() {
        ChatTemplate template = ChatTemplate.parse("{{ enable_thinking }}{{ thinking }}");
        try (LanguageModel model = fake.open();
                Session session = model.newSession()) {
            session.chat(MESSAGES, options.withTools().withTemplate(template).withThinking(false));
            assertThat(model.tokenizer().decode(session.tokens())).isEqualTo("FalseFalse");
        }
    }

    private ToolLoop.Result loop(ToolLoop.@Nullable Listener listener, int steps) {
        try (LanguageModel model = fake.open();
                Session session = model.newSession()) {
            ToolLoop loop = new ToolLoop(session, options).withMaxSteps(steps);
            return (listener == null ? loop : loop.withListener(listener)).run(MESSAGES);
        } finally {
            fake.pass.closed = false;
        }
    }

    @Test
    void aLoopRunsToolsUntilTheAnswerHasNoCall() {
        answers(CALL + "<tool_call>\n{\"name\": \"list\", \"arguments\": {}}\n</tool_call>", "Done.");
        StringBuilder heard = new StringBuilder();
        ToolLoop.Result result = loop(
                new ToolLoop.Listener() {
                    @Override
                    public void heard(AnswerDelta delta) {
                        heard.append(delta.kind() == AnswerDelta.Kind.CONTENT ? delta.text() : "");
                    }
                },
                3);
        assertThat(dimmed).containsExactly(new Dim("hall", 5));
        assertThat(result.isFinished()).isTrue();
        assertThat(result.answer().content()).isEqualTo("Done.");
        assertThat(heard).hasToString("Done.");
        assertThat(result.messages())
                .extracting(ChatMessage::role)
                .containsExactly("user", "assistant", "tool", "tool", "assistant");
        assertThat(result.messages().get(2).content()).isEqualTo("{\"done\":true}");
        assertThat(result.messages().get(3).content()).isEqualTo("[\"hall\",\"attic\"]");
    }

    @Test
    void aLoopEndsAfterItsSteps() {
        answers(CALL);
        ToolLoop.Result result = loop(null, 2);
        assertThat(result.isFinished()).isFalse();
        assertThat(dimmed).hasSize(2);
        assertThat(result.answer().toolCalls()).hasSize(1);
    }

    @Test
    void aListenerMayForbidACall() {
        answers(CALL, "Sorry.");
        List<String> given = new ArrayList<>();
        ToolLoop.Result result = loop(
                new ToolLoop.Listener() {
                    @Override
                    public boolean allows(ToolCall call) {
                        return false;
                    }

                    @Override
                    public void gave(ToolCall call, String text) {
                        given.add(text);
                    }
                },
                3);
        assertThat(dimmed).isEmpty();
        assertThat(given).containsExactly("error: this call is not allowed");
        assertThat(result.answer().content()).isEqualTo("Sorry.");
    }

    @Test
    void whatAToolFailsWithIsToldToTheModel() {
        answers(CALL, "Sorry.");
        Tool broken = Tool.of("dim", "", Dim.class, arguments -> {
            throw new IllegalStateException("the bulb is broken");
        });
        try (LanguageModel model = fake.open();
                Session session = model.newSession()) {
            ToolLoop.Result result = new ToolLoop(session, options.withTools(broken)).run(MESSAGES);
            assertThat(result.messages().get(2).content()).isEqualTo("error: the bulb is broken");
            assertThat(result.answer().content()).isEqualTo("Sorry.");
        }
    }

    @Test
    void callsOfOneAnswerRunAtTheSameTime() {
        answers(CALL + CALL, "Done.");
        CyclicBarrier both = new CyclicBarrier(2);
        Tool meeting = Tool.of("dim", "", Dim.class, arguments -> both.await(30, TimeUnit.SECONDS));
        try (LanguageModel model = fake.open();
                Session session = model.newSession()) {
            ToolLoop.Result result = new ToolLoop(session, options.withTools(meeting)).run(MESSAGES);
            assertThat(result.messages()).extracting(ChatMessage::content).doesNotContain("error");
            assertThat(result.isFinished()).isTrue();
        }
    }

    @Test
    void aLoopCanBeCancelledWhileAToolRuns() throws InterruptedException {
        answers(CALL, "Done.");
        CountDownLatch running = new CountDownLatch(1);
        Tool endless = Tool.of("dim", "", Dim.class, arguments -> {
            running.countDown();
            new CountDownLatch(1).await();
            return "never";
        });
        try (LanguageModel model = fake.open();
                Session session = model.newSession()) {
            ToolLoop loop = new ToolLoop(session, options.withTools(endless));
            Thread canceller = Thread.ofVirtual().start(() -> {
                try {
                    running.await();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
                loop.cancel();
            });
            ToolLoop.Result result = loop.run(MESSAGES);
            canceller.join();
            assertThat(result.isFinished()).isFalse();
            assertThat(result.messages()).hasSize(2);
        }
    }

    @Test
    void aToolWithoutAHandlerEndsTheLoopWithItsCall() {
        answers(CALL);
        try (LanguageModel model = fake.open();
                Session session = model.newSession()) {
            ToolLoop.Result result = new ToolLoop(session, options.withTools(Tool.of(dim.spec()))).run(MESSAGES);
            assertThat(result.isFinished()).isFalse();
            assertThat(result.answer().toolCalls()).hasSize(1);
        }
    }

    record Reading(String room, double degrees, Optional<String> note, List<Integer> history, int @Nullable [] raw) {}

    @Test
    void resultsAreTextForTheModel() throws Exception {
        assertThat(run("as it is")).isEqualTo("as it is");
        assertThat(run(null)).isEqualTo("null");
        assertThat(run(new Reading("hall", 20.5, Optional.empty(), List.of(1, 2), null)))
                .isEqualTo("{\"room\":\"hall\",\"degrees\":20.5,\"note\":null,\"history\":[1,2],\"raw\":null}");
        assertThat(run(Double.NaN)).isEqualTo("\"NaN\"");
        assertThat(run(Arrays.asList(true, null))).isEqualTo("[true,null]");
    }

    private static String run(@Nullable Object result) throws Exception {
        return Tool.of("t", "", Nothing.class, arguments -> result).run("{}");
    }
}
