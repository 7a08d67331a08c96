package dev.nibble.generate;

import dev.nibble.GenerationOptions;
import dev.nibble.UnsupportedModelException;
import dev.nibble.chat.ChatMessage;
import dev.nibble.chat.ChatTemplate;
import dev.nibble.generate.PromptEncoder.Piece;
import dev.nibble.model.Metadata;
import dev.nibble.tokenizer.Tokenizer;
import dev.nibble.tokenizer.Vocabulary;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/** Turns conversations into prompts with the chat template of a model file. Thread-safe. */
public final class ChatPrompts {
    private static final String KEY = "tokenizer.chat_template";

    private final Metadata metadata;
    private final Vocabulary vocabulary;
    private final PromptEncoder encoder;
    private volatile @Nullable ChatTemplate template;

    public ChatPrompts(Metadata metadata, Tokenizer tokenizer, PromptEncoder encoder) {
        this.metadata = metadata;
        this.vocabulary = tokenizer.vocabulary();
        this.encoder = encoder;
    }

    /** The template, parsed when it is first needed: a model whose template is not supported can still continue text. */
    public Optional<ChatTemplate> template() {
        ChatTemplate parsed = template;
        String source = parsed == null ? metadata.optionalString(KEY) : null;
        if (source != null) {
            parsed = ChatTemplate.parse(source);
            template = parsed;
        }
        return Optional.ofNullable(parsed);
    }

    /** The tokens of a conversation, up to where the answer begins. */
    public int[] encode(List<ChatMessage> messages, GenerationOptions options) {
        ChatTemplate parsed = template()
                .orElseThrow(() -> new UnsupportedModelException(metadata.failure(
                                KEY, "the file has no chat template; use stream or generate with a prompt of your own")
                        .getMessage()));
        Map<String, @Nullable Object> variables = new LinkedHashMap<>();
        variables.put("bos_token", text(vocabulary.bosId()));
        variables.put("eos_token", text(vocabulary.eosId()));
        variables.putAll(options.templateVariables());
        boolean trustAll = options.controlTokensInMessages();
        return encoder.chat(parsed.renderSegments(messages, true, variables).stream()
                .map(segment -> new Piece(segment.text(), trustAll || segment.trusted()))
                .toList());
    }

    private String text(OptionalInt id) {
        return id.isPresent() ? vocabulary.text(id.getAsInt()) : "";
    }
}
