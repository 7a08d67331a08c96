package dev.nibble.chat;

import dev.nibble.ChatTemplateException;
import dev.nibble.UnsupportedChatTemplateException;
import dev.nibble.model.Metadata;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The chat templates of a model file: the default, {@code tokenizer.chat_template}, and those with a name, {@code
 * tokenizer.chat_template.NAME}. A template is parsed when it is first asked for: a model with one that is not supported
 * can still continue text. Immutable and thread-safe.
 */
public final class ChatTemplates {
    /** The name of the template that is used unless something else is said. */
    public static final String DEFAULT = "default";

    /** The name of the template that is used where there are tools, if the file has it. */
    public static final String TOOL_USE = "tool_use";

    private static final String KEY = "tokenizer.chat_template";

    private final Metadata metadata;
    private final List<String> names;
    private final Map<String, ChatTemplate> parsed = new ConcurrentHashMap<>();

    private ChatTemplates(Metadata metadata, List<String> names) {
        this.metadata = metadata;
        this.names = names;
    }

    /** Those of a file, perhaps none. */
    public static ChatTemplates from(Metadata metadata) {
        Objects.requireNonNull(metadata, "metadata");
        List<String> names = new ArrayList<>();
        if (metadata.contains(KEY)) {
            names.add(DEFAULT);
        }
        for (String key : metadata.keys()) {
            String name = key.startsWith(KEY + ".") ? key.substring(KEY.length() + 1) : "";
            if (!name.isEmpty() && !names.contains(name)) {
                names.add(name);
            }
        }
        return new ChatTemplates(metadata, List.copyOf(names));
    }

    /** The names, the default first, the others as they follow in the file; empty if the file has no template. */
    public List<String> names() {
        return names;
    }

    /**
     * The text of a template.
     *
     * @throws ChatTemplateException if there is none of this name; the message lists those there are
     * @throws dev.nibble.ModelFormatException if the file has something else than a text under its key
     */
    public String source(String name) {
        if (!names.contains(Objects.requireNonNull(name, "name"))) {
            String asked = name.equals(DEFAULT) ? "no default chat template" : "no chat template '" + name + "'";
            throw new ChatTemplateException(metadata.failure(
                            KEY,
                            "the file has " + asked + (names.isEmpty() ? "" : ", only " + String.join(", ", names)))
                    .getMessage());
        }
        String named = KEY + "." + name;
        return metadata.requireString(name.equals(DEFAULT) && metadata.contains(KEY) ? KEY : named);
    }

    /**
     * The template of this name.
     *
     * @throws ChatTemplateException if there is none, or it is not well-formed
     * @throws UnsupportedChatTemplateException if it needs something this version lacks
     */
    public ChatTemplate get(String name) {
        ChatTemplate template = parsed.get(Objects.requireNonNull(name, "name"));
        if (template == null) {
            template = ChatTemplate.parse(source(name));
            parsed.put(name, template);
        }
        return template;
    }

    /**
     * The name of the template for a conversation, chosen as Hugging Face's transformers do.
     *
     * @param tools whether tools are given, were it an empty list of them
     * @return {@link #TOOL_USE} with tools where the file has it, else {@link #DEFAULT}, which the file need not have
     */
    public String choose(boolean tools) {
        return tools && names.contains(TOOL_USE) ? TOOL_USE : DEFAULT;
    }
}
