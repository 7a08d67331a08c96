package dev.nibble.server.openai;

import dev.nibble.server.http.AnswerStreamWriter.Format;
import dev.nibble.server.http.Call;
import dev.nibble.server.http.Fields;
import dev.nibble.server.http.Json;
import dev.nibble.server.http.RequestException;
import dev.nibble.server.work.Lease;
import dev.nibble.server.work.Prompt;
import dev.nibble.server.work.Work;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.OptionalInt;

/** {@code POST /v1/embeddings}. */
public final class Embeddings {
    private static final int MOST_TEXTS = 2048;

    private final Work work;

    /** Of these models. */
    public Embeddings(Work work) {
        this.work = work;
    }

    /** Answers a request. */
    public void handle(Call call, String rest) throws IOException {
        Fields fields = call.fields();
        List<Prompt> texts = inputs(fields, "input");
        String format = fields.string("encoding_format", "float");
        if (!format.equals("float") && !format.equals("base64")) {
            throw RequestException.invalid(
                    "encoding_format", "'encoding_format' has to be float or base64, not '" + format + "'");
        }
        try (Lease lease = work.embedding(work.models().requireOrOnly(fields.string("model")))) {
            int dimensions = dimensions(fields, lease.embedding().dimensions());
            call.stream(Format.JSON);
            Work.Embedded embedded = work.embedAll(call, lease, texts);
            List<Object> data = new ArrayList<>();
            for (float[] vector : embedded.vectors()) {
                float[] cut = cut(vector, dimensions);
                data.add(Json.object(
                        "object",
                        "embedding",
                        "index",
                        data.size(),
                        "embedding",
                        format.equals("base64") ? base64(cut) : list(cut)));
            }
            call.json(
                    200,
                    Json.object(
                            "object",
                            "list",
                            "data",
                            data,
                            "model",
                            lease.entry().name(),
                            "usage",
                            Json.object("prompt_tokens", embedded.tokens(), "total_tokens", embedded.tokens())));
        }
    }

    /** What is to be embedded: texts and token ids as prompts have them. */
    public static List<Prompt> inputs(Fields fields, String name) {
        List<Prompt> inputs = Prompts.read(fields, name);
        if (inputs.size() > MOST_TEXTS) {
            throw RequestException.invalid(
                    name, "'" + name + "' has " + inputs.size() + " texts, at most " + MOST_TEXTS);
        }
        return inputs;
    }

    /** Texts to embed: one, or an array. */
    public static List<String> texts(Fields fields, String name) {
        Object value = fields.value(name);
        if (value == null) {
            throw RequestException.invalid(name, "'" + name + "' is missing");
        }
        if (value instanceof List<?> list && list.stream().anyMatch(item -> !(item instanceof String))) {
            throw RequestException.unsupported(name, "it has to be a text or an array of texts");
        }
        List<String> texts = fields.strings(name);
        if (texts.isEmpty()) {
            throw RequestException.invalid(name, "'" + name + "' must not be empty");
        }
        if (texts.size() > MOST_TEXTS) {
            throw RequestException.invalid(
                    name, "'" + name + "' has " + texts.size() + " texts, at most " + MOST_TEXTS);
        }
        return texts;
    }

    /** The dimensions that are asked for, which a model has or more. */
    public static int dimensions(Fields fields, int own) {
        OptionalInt asked = fields.integer("dimensions");
        if (asked.isPresent() && (asked.getAsInt() < 1 || asked.getAsInt() > own)) {
            throw RequestException.invalid(
                    "dimensions", "'dimensions' has to be from 1 to " + own + ", not " + asked.getAsInt());
        }
        return asked.orElse(own);
    }

    /** The first dimensions, of length 1 again. */
    public static float[] cut(float[] vector, int dimensions) {
        if (dimensions == vector.length) {
            return vector;
        }
        float[] cut = Arrays.copyOf(vector, dimensions);
        double squares = 0;
        for (float value : cut) {
            squares += (double) value * value;
        }
        float scale = squares == 0 ? 1 : (float) (1 / Math.sqrt(squares));
        for (int i = 0; i < cut.length; i++) {
            cut[i] *= scale;
        }
        return cut;
    }

    /** As numbers. */
    public static List<Object> list(float[] vector) {
        List<Object> list = new ArrayList<>(vector.length);
        for (float value : vector) {
            list.add(value);
        }
        return list;
    }

    private static String base64(float[] vector) {
        ByteBuffer bytes = ByteBuffer.allocate(vector.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(vector);
        return Base64.getEncoder().encodeToString(bytes.array());
    }
}
