package dev.nibble.generate;

import dev.nibble.ChatOptions;
import dev.nibble.GenerationOptions;
import dev.nibble.NibbleException;
import dev.nibble.UnsupportedModelException;
import dev.nibble.chat.AnswerDialect;
import dev.nibble.chat.ChatMessage;
import dev.nibble.chat.ChatTemplate;
import dev.nibble.chat.ChatTemplates;
import dev.nibble.constraint.Constraint;
import dev.nibble.generate.PromptEncoder.Piece;
import dev.nibble.model.Metadata;
import dev.nibble.tokenizer.Tokenizer;
import dev.nibble.tokenizer.Vocabulary;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Turns conversations into prompts with the chat templates of a model file. Thread-safe. */
public final class ChatPrompts {
    /** Characters at the end of a prompt that tell of the answer where the template says nothing else. */
    private static final int TAIL = 64;

    private static final int MAX_CONSTRAINTS = 32;

    /** What the constraint of a whole answer is made of. */
    private record Key(String template, String prefill, Constraint content) {}

    private final Metadata metadata;
    private final ChatTemplates templates;
    private final Vocabulary vocabulary;
    private final PromptEncoder encoder;
    private final Map<String, AnswerDialect> dialects = new ConcurrentHashMap<>();

    /** Constraints of answers, kept since much is found out about a constraint while it is used; the latest used last. */
    private final Map<Key, Constraint> constraints = new LinkedHashMap<>(16, 0.75f, true);

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

    /** The prompt of a conversation. */
    public ChatPrompt prompt(List<ChatMessage> messages, ChatOptions options) {
        if (templates.names().isEmpty()) {
            throw new UnsupportedModelException(metadata.failure(
                            "tokenizer.chat_template",
                            "the file has no chat template; use stream or generate with a prompt of your own")
                    .getMessage());
        }
        boolean tools = options.templateVariables().get("tools") != null;
        String name = options.templateName().orElse(templates.choose(tools));
        ChatTemplate template = templates.get(name);
        Map<String, @Nullable Object> variables = new LinkedHashMap<>();
        variables.put("bos_token", text(vocabulary.bosId()));
        variables.put("eos_token", text(vocabulary.eosId()));
        variables.putAll(options.templateVariables());
        boolean trustAll = options.controlTokensInMessages();
        List<ChatTemplate.Segment> segments = template.renderSegments(messages, true, variables);
        int[] tokens = encoder.chat(segments.stream()
                .map(segment -> new Piece(segment.text(), trustAll || segment.trusted()))
                .toList());
        Supplier<String> prefill = () -> prefill(template, messages, variables, segments);
        GenerationOptions generation = options.generation();
        if (generation.constraint().isPresent()) {
            generation = generation.withConstraint(constraint(
                    new Key(name, prefill.get(), generation.constraint().get())));
        }
        return new ChatPrompt(tokens, generation, () -> dialect(name).parser(List.of(), prefill.get()));
    }

    private AnswerDialect dialect(String name) {
        AnswerDialect dialect = dialects.get(name);
        if (dialect == null) {
            dialect = AnswerDialect.of(templates.get(name));
            dialects.put(name, dialect);
        }
        return dialect;
    }

    private Constraint constraint(Key key) {
        synchronized (constraints) {
            Constraint known = constraints.get(key);
            if (known == null) {
                known = dialect(key.template).constrain(key.content, key.prefill);
                constraints.put(key, known);
                if (constraints.size() > MAX_CONSTRAINTS) {
                    constraints.remove(constraints.keySet().iterator().next());
                }
            }
            return known;
        }
    }

    /** What the prompt says of the answer: what asking for one adds to it, or its end. */
    private static String prefill(
            ChatTemplate template,
            List<ChatMessage> messages,
            Map<String, @Nullable Object> variables,
            List<ChatTemplate.Segment> segments) {
        String asked = segments.stream().map(ChatTemplate.Segment::text).collect(Collectors.joining());
        try {
            String bare = template.render(messages, false, variables);
            if (asked.startsWith(bare)) {
                return asked.substring(bare.length());
            }
        } catch (NibbleException e) {
            // A template may refuse a conversation without an answer.
        }
        return asked.substring(Math.max(0, asked.length() - TAIL));
    }

    private String text(OptionalInt id) {
        return id.isPresent() ? vocabulary.text(id.getAsInt()) : "";
    }
}
