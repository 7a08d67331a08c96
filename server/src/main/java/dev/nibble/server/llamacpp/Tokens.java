package dev.nibble.server.llamacpp;

import dev.nibble.ChatOptions;
import dev.nibble.server.http.Call;
import dev.nibble.server.http.Fields;
import dev.nibble.server.http.Json;
import dev.nibble.server.http.RequestException;
import dev.nibble.server.openai.ChatRequest;
import dev.nibble.server.openai.Prompts;
import dev.nibble.server.work.Lease;
import dev.nibble.server.work.Prompt;
import dev.nibble.server.work.Work;
import dev.nibble.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Text to tokens, tokens to text, conversations to prompts. */
final class Tokens {
    private final Work work;

    Tokens(Work work) {
        this.work = work;
    }

    private Lease lease(Fields fields) throws IOException {
        return work.generating(work.models().requireOrOnly(fields.string("model")));
    }

    void tokenize(Call call, String rest) throws IOException {
        Fields fields = call.fields();
        String text = fields.string("content", "");
        Tokenizer.Options options = Tokenizer.Options.PLAIN
                .withAddSpecial(fields.bool("add_special", false))
                .withParseSpecial(fields.bool("parse_special", true));
        boolean pieces = fields.bool("with_pieces", false);
        try (Lease lease = lease(fields)) {
            Tokenizer tokenizer = lease.model().tokenizer();
            List<Object> tokens = new ArrayList<>();
            for (int id : tokenizer.encode(text, options)) {
                tokens.add(pieces ? Json.object("id", id, "piece", piece(id, tokenizer)) : (Object) id);
            }
            call.json(200, Json.object("tokens", tokens));
        }
    }

    /** A text, or bytes where they are a part of a character. */
    private static Object piece(int id, Tokenizer tokenizer) {
        byte[] bytes = tokenizer.bytes(id);
        if (bytes.length == 0) {
            return tokenizer.vocabulary().text(id);
        }
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
        } catch (CharacterCodingException e) {
            List<Object> values = new ArrayList<>();
            for (byte value : bytes) {
                values.add(value & 0xFF);
            }
            return values;
        }
    }

    void detokenize(Call call, String rest) throws IOException {
        Fields fields = call.fields();
        int[] ids = Prompts.ids(fields.array("tokens"), "tokens").stream()
                .mapToInt(Integer::intValue)
                .toArray();
        try (Lease lease = lease(fields)) {
            Tokenizer tokenizer = lease.model().tokenizer();
            for (int id : ids) {
                if (id >= tokenizer.vocabulary().size()) {
                    throw RequestException.invalid(
                            "tokens",
                            "token " + id + " is not among the "
                                    + tokenizer.vocabulary().size());
                }
            }
            call.json(200, Json.object("content", tokenizer.decode(ids)));
        }
    }

    void template(Call call, String rest) throws IOException {
        Fields fields = call.fields();
        boolean asks = fields.bool("add_generation_prompt", true) || fields.bool("continue_final_message", false);
        ChatRequest request = ChatRequest.read(asks ? fields : fields.without("add_generation_prompt"));
        Prompt.Chat chat = (Prompt.Chat) request.task().prompt();
        try (Lease lease = lease(fields)) {
            ChatOptions own = lease.chatOptions(chat);
            if (!asks) {
                Map<String, Object> variables = new LinkedHashMap<>(own.templateVariables());
                variables.put("add_generation_prompt", false);
                own = own.withTemplateVariables(variables);
            }
            call.json(200, Json.object("prompt", lease.model().chatPrompt(lease.withSystem(chat.messages()), own)));
        }
    }

    void count(Call call, String rest) throws IOException {
        Fields fields = call.fields();
        Prompt.Chat chat = (Prompt.Chat) ChatRequest.read(fields).task().prompt();
        try (Lease lease = lease(fields)) {
            ChatOptions own = lease.chatOptions(chat);
            int count = lease.model().chatTokens(lease.withSystem(chat.messages()), own).length;
            call.json(200, Json.object("object", "response.input_tokens", "input_tokens", count));
        }
    }
}
