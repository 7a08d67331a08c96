package dev.nibble.generate;

import dev.nibble.ChatOptions;
import dev.nibble.UnsupportedModelException;
import dev.nibble.chat.ChatMessage;
import dev.nibble.chat.ChatTemplate;
import dev.nibble.chat.ChatTemplates;
import dev.nibble.generate.PromptEncoder.Piece;
import dev.nibble.model.Metadata;
import dev.nibble.tokenizer.Tokenizer;
import dev.nibble.tokenizer.Vocabulary;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/** Turns conversations into prompts with the chat templates of a model file. Thread-safe. */
public final class ChatPrompts {
    private final Metadata metadata;
    private final ChatTemplates templates;
    private final Vocabulary vocabulary;
    private final PromptEncoder encoder;

    public ChatPrompts(Metadata metadata, Tokenizer tokenizer, PromptEncoder encoder) {
        this.metadata = metadata;
        templates = ChatTemplates.from(metadata);
        this.vocabulary = tokenizer.vocabulary();
        this.encoder = encoder;
    }

    /** Those of the file. */
    public ChatTemplates templates() {
        return templates;
    }

    /** The tokens of a conversation, up to where the answer begins. */
    public int[] encode(List<ChatMessage> messages, ChatOptions options) {
        if (templates.names().isEmpty()) {
            throw new UnsupportedModelException(metadata.failure(
                            "tokenizer.chat_template",
                            "the file has no chat template; use stream or generate with a prompt of your own")
                    .getMessage());
        }
        boolean tools = options.templateVariables().get("tools") != null;
        ChatTemplate template = templates.get(options.templateName().orElse(templates.choose(tools)));
        Map<String, @Nullable Object> variables = new LinkedHashMap<>();
        variables.put("bos_token", text(vocabulary.bosId()));
        variables.put("eos_token", text(vocabulary.eosId()));
        variables.putAll(options.templateVariables());
        boolean trustAll = options.controlTokensInMessages();
        return encoder.chat(template.renderSegments(messages, true, variables).stream()
                .map(segment -> new Piece(segment.text(), trustAll || segment.trusted()))
                .toList());
    }

    private String text(OptionalInt id) {
        return id.isPresent() ? vocabulary.text(id.getAsInt()) : "";
    }
}
