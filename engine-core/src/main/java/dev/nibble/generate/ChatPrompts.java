package dev.nibble.generate;

import dev.nibble.ChatOptions;
import dev.nibble.GenerationOptions;
import dev.nibble.NibbleException;
import dev.nibble.UnsupportedModelException;
import dev.nibble.chat.AnswerDialect;
import dev.nibble.chat.ChatMessage;
import dev.nibble.chat.ChatTemplate;
import dev.nibble.chat.ChatTemplates;
import dev.nibble.chat.Tool;
import dev.nibble.chat.ToolChoice;
import dev.nibble.chat.ToolSpec;
import dev.nibble.constraint.Constraint;
import dev.nibble.generate.PromptEncoder.Piece;
import dev.nibble.model.Metadata;
import dev.nibble.tokenizer.Tokenizer;
import dev.nibble.tokenizer.Vocabulary;
import java.util.ArrayList;
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

    private static final int MAX_DIALECTS = 32;

    /** What the constraint of a whole answer is made of. */
    private record Key(
            String template,
            String prefill,
            @Nullable Constraint content,
            List<String> tools,
            ToolChoice choice,
            boolean parallel) {}

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

    /** A conversation in a template. */
    private record Rendered(
            ChatTemplate template, Map<String, @Nullable Object> variables, List<ChatTemplate.Segment> segments) {
        String text() {
            return segments.stream().map(ChatTemplate.Segment::text).collect(Collectors.joining());
        }
    }

    private Rendered render(List<ChatMessage> messages, ChatOptions options) {
        if (templates.names().isEmpty() && options.template().isEmpty()) {
            throw new UnsupportedModelException(metadata.failure(
                            "tokenizer.chat_template",
                            "the file has no chat template; use stream or generate with a prompt of your own")
                    .getMessage());
        }
        List<ToolSpec> tools = options.tools().stream().map(Tool::spec).toList();
        boolean told = !tools.isEmpty() || options.templateVariables().get("tools") != null;
        ChatTemplate template = options.template()
                .orElseGet(() -> templates.get(options.templateName().orElse(templates.choose(told))));
        Map<String, @Nullable Object> variables = new LinkedHashMap<>();
        variables.put("bos_token", text(vocabulary.bosId()));
        variables.put("eos_token", text(vocabulary.eosId()));
        if (!tools.isEmpty()) {
            variables.put("tools", ToolSpec.templateVariable(tools));
        }
        options.thinking().ifPresent(thinking -> {
            variables.put("enable_thinking", thinking);
            variables.put("thinking", thinking);
        });
        variables.putAll(options.templateVariables());
        List<ChatTemplate.Segment> segments = new ArrayList<>(template.renderSegments(messages, true, variables));
        if (!options.answerBeginning().isEmpty()) {
            segments.add(new ChatTemplate.Segment(options.answerBeginning(), false));
        }
        return new Rendered(template, variables, segments);
    }

    private int[] tokens(Rendered rendered, ChatOptions options) {
        boolean trustAll = options.controlTokensInMessages();
        return encoder.chat(rendered.segments().stream()
                .map(segment -> new Piece(segment.text(), trustAll || segment.trusted()))
                .toList());
    }

    /** The text of the prompt of a conversation, as the template makes it. */
    public String text(List<ChatMessage> messages, ChatOptions options) {
        return render(messages, options).text();
    }

    /** The tokens of the prompt of a conversation. */
    public int[] tokens(List<ChatMessage> messages, ChatOptions options) {
        return tokens(render(messages, options), options);
    }

    /** The prompt of a conversation. */
    public ChatPrompt prompt(List<ChatMessage> messages, ChatOptions options) {
        Rendered rendered = render(messages, options);
        ChatTemplate template = rendered.template();
        List<ToolSpec> tools = options.tools().stream().map(Tool::spec).toList();
        Supplier<String> prefill = () -> prefill(rendered, messages, options.answerBeginning());
        GenerationOptions generation = options.generation();
        Constraint content = generation.constraint().orElse(null);
        if (content != null || !tools.isEmpty()) {
            generation = generation.withConstraint(constraint(template, prefill.get(), content, tools, options));
        }
        return new ChatPrompt(
                tokens(rendered, options), generation, () -> dialect(template).parser(tools, prefill.get()));
    }

    private AnswerDialect dialect(ChatTemplate template) {
        AnswerDialect dialect = dialects.get(template.source());
        if (dialect == null) {
            dialect = AnswerDialect.of(template);
            if (dialects.size() < MAX_DIALECTS) {
                dialects.put(template.source(), dialect);
            }
        }
        return dialect;
    }

    private Constraint constraint(
            ChatTemplate template,
            String prefill,
            @Nullable Constraint content,
            List<ToolSpec> tools,
            ChatOptions options) {
        List<String> texts = new ArrayList<>();
        tools.forEach(tool -> texts.addAll(List.of(tool.name(), tool.schema())));
        Key key =
                new Key(template.source(), prefill, content, texts, options.toolChoice(), options.parallelToolCalls());
        AnswerDialect dialect = dialect(template);
        synchronized (constraints) {
            Constraint known = constraints.get(key);
            if (known != null) {
                return known;
            }
        }
        // Made without the lock, as it may take a while; of two made at the same time the first is kept.
        Constraint made = tools.isEmpty() && content != null
                ? dialect.constrain(content, prefill)
                : dialect.constrain(tools, key.choice, key.parallel, content, prefill);
        synchronized (constraints) {
            Constraint before = constraints.putIfAbsent(key, made);
            if (constraints.size() > MAX_CONSTRAINTS) {
                constraints.remove(constraints.keySet().iterator().next());
            }
            return before == null ? made : before;
        }
    }

    /** What the prompt says of the answer, whose beginning is no part of that: what asking for one adds to it, or its end. */
    private static String prefill(Rendered rendered, List<ChatMessage> messages, String beginning) {
        String all = rendered.text();
        String asked = all.substring(0, all.length() - beginning.length());
        try {
            String bare = rendered.template().render(messages, false, rendered.variables());
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
