package dev.nibble;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nibble.chat.ChatMessage;
import dev.nibble.chat.ChatTemplate;
import dev.nibble.chat.ChatTemplates;
import dev.nibble.model.Metadata;
import dev.nibble.sampling.LogitsProcessor;
import dev.nibble.sampling.Samplers;
import dev.nibble.tokenizer.StreamingDetokenizer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

/** What must not be null is named where the caller gave it, not somewhere below. */
@SuppressWarnings("NullAway") // that is what is tested
class NullArgumentsTest {
    private static final Path FILE = Path.of("model.gguf");
    private static final GenerationOptions OPTIONS = GenerationOptions.DEFAULT;

    private static void assertNamed(String name, ThrowingCallable call) {
        assertThatThrownBy(call).isInstanceOf(NullPointerException.class).hasMessage(name);
    }

    @Test
    void loading() {
        assertNamed("file", () -> LanguageModel.load(null));
        assertNamed("options", () -> LanguageModel.load(FILE, null));
        assertNamed("file", () -> LanguageModel.open(null));
        assertNamed("file", () -> EmbeddingModel.load(null));
        assertNamed("options", () -> EmbeddingModel.load(FILE, null));
        assertNamed("embeddingOptions", () -> EmbeddingModel.load(FILE, LoadOptions.DEFAULT, null));
    }

    @Test
    void sessions() {
        try (LanguageModel model = new FakeModel().open();
                Session session = model.newSession()) {
            assertNamed("sessionOptions", () -> model.newSession(null));
            assertNamed("prompt", () -> session.stream((String) null));
            assertNamed("prompt", () -> session.generate(null));
            assertNamed("options", () -> session.generate("abc", (GenerationOptions) null));
            assertNamed("options", () -> session.stream("abc", null));
            assertNamed("tokens", () -> session.stream((int[]) null, OPTIONS));
            assertNamed("options", () -> session.stream(new int[1], null));
            assertNamed("messages", () -> session.chat(null));
            assertNamed("messages[1]", () -> session.chat(Arrays.asList(ChatMessage.user("x"), null)));
            assertNamed("options", () -> session.chat(List.of(), (ChatOptions) null));
            assertNamed("tokens", () -> session.evaluate(null, false));
        }
    }

    @Test
    void options() {
        assertNamed("defaults", () -> OPTIONS.orElse(null));
        assertNamed("stop", () -> OPTIONS.withStop((List<String>) null));
        assertNamed("stop", () -> OPTIONS.withStop((String[]) null));
        assertNamed("stop[1]", () -> OPTIONS.withStop("x", null));
        assertNamed("logitBias", () -> OPTIONS.withLogitBias(null));
        assertNamed("logitsProcessors", () -> OPTIONS.withLogitsProcessors(null));
        assertNamed("logitsProcessors[0]", () -> OPTIONS.withLogitsProcessors(Arrays.asList(new LogitsProcessor[1])));
        assertNamed("templateVariables", () -> ChatOptions.DEFAULT.withTemplateVariables(null));
        assertNamed("templateName", () -> ChatOptions.DEFAULT.withTemplateName(null));
        assertNamed("backend", () -> LoadOptions.DEFAULT.withBackend(null));
        assertNamed("kvCacheType", () -> LoadOptions.DEFAULT.withKvCacheType(null));
        assertNamed("activations", () -> LoadOptions.DEFAULT.withActivations(null));
        assertNamed("kvCacheType", () -> SessionOptions.DEFAULT.withKvCacheType(null));
        assertNamed("pooling", () -> EmbeddingOptions.DEFAULT.withPooling(null));
    }

    @Test
    void chatSamplingAndTokens() {
        assertNamed("role", () -> new ChatMessage(null, "x"));
        assertNamed("content", () -> ChatMessage.user(null));
        assertNamed("fields", () -> new ChatMessage("user", "x", null));
        ChatTemplate template = ChatTemplate.parse("x");
        assertNamed("source", () -> ChatTemplate.parse(null));
        assertNamed("variables", () -> template.render(null));
        assertNamed("now", () -> template.render(Map.of(), null));
        assertNamed("messages", () -> template.render(null, true, Map.of()));
        assertNamed("extra", () -> template.render(List.of(), true, null));
        assertNamed(
                "name",
                () -> ChatTemplates.from(new Metadata("fake.gguf", Map.of())).get(null));
        assertNamed("options", () -> Samplers.of(null, 8));
        assertNamed("tokenizer", () -> new StreamingDetokenizer(null));
        assertNamed("ids", () -> new ByteTokenizer(true).decode(null));
    }
}
