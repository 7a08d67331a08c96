package dev.nibble.server;

import static dev.nibble.server.TestServer.at;
import static dev.nibble.server.TestServer.joined;
import static org.assertj.core.api.Assertions.assertThat;

import dev.nibble.server.TestServer.Reply;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Completions, embeddings and models as OpenAI has them. */
class OpenAiOtherTest {
    private static TestServer server;

    @BeforeAll
    static void start() throws IOException {
        server = TestServer.start();
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    private static Reply complete(String fields) {
        return server.post("/v1/completions", "{'temperature': 0, 'max_tokens': 4, " + fields + "}");
    }

    @Test
    void aTextIsContinued() {
        Reply reply = complete("'prompt': 'the cat'");

        assertThat(reply.string("object")).isEqualTo("text_completion");
        assertThat(reply.string("choices.0.text")).isNotEmpty();
        assertThat(reply.string("choices.0.finish_reason")).isEqualTo("length");
        List<Object> pieces = complete("'prompt': 'the cat', 'stream': true").pieces();
        assertThat(joined(pieces, "choices.0.text")).isEqualTo(reply.string("choices.0.text"));
        assertThat(at(pieces.getLast(), "choices.0.finish_reason")).isEqualTo("length");
    }

    @Test
    void severalPromptsAreAnsweredInTheirOrder() {
        String one = complete("'prompt': 'the cat'").string("choices.0.text");

        Reply reply = complete("'prompt': ['a dog', 'the cat'], 'n': 2");

        assertThat(reply.list("choices")).hasSize(4);
        assertThat(reply.string("choices.2.text")).isEqualTo(one);
        assertThat(reply.string("choices.3.index")).isEqualTo("3");
    }

    @Test
    void tokensArePromptsToo() {
        Reply one = complete("'prompt': [104, 105], 'echo': true");

        assertThat(one.string("choices.0.text")).hasSizeGreaterThan(2);
        assertThat((List<?>) complete("'prompt': [[104, 105], [105]]").at("choices"))
                .hasSize(2);
        assertThat(complete("'prompt': [1000000]").status()).isEqualTo(400);
        assertThat(complete("'prompt': []").status()).isEqualTo(400);
        assertThat(complete("'prompt': [-1]").status()).isEqualTo(400);
        assertThat(complete("'prompt': ''").status()).isEqualTo(400);
    }

    @Test
    void logProbabilitiesHaveTheOldFormAndThatOfChats() {
        Reply reply = complete("'prompt': 'the cat', 'logprobs': 2");

        assertThat(reply.list("choices.0.logprobs.tokens")).hasSize(4);
        assertThat(reply.list("choices.0.logprobs.token_logprobs")).hasSize(4);
        assertThat(reply.list("choices.0.logprobs.content")).hasSize(4);
    }

    @Test
    void anAnswerThatIsCutByTheContextSaysSo() {
        Reply reply = server.post(
                "/v1/completions", "{'prompt': '" + "a ".repeat(500) + "', 'ignore_eos': true, 'temperature': 0}");

        assertThat(reply.string("choices.0.finish_reason")).isEqualTo("length");
        assertThat(reply.integer("usage.total_tokens")).isBetween(1024, 1025);
    }

    @Test
    void embeddingsHaveTheLengthOneInBothForms() {
        Reply numbers = server.post("/v1/embeddings", "{'model': 'embed', 'input': ['the cat', 'a dog']}");
        Reply packed =
                server.post("/v1/embeddings", "{'model': 'embed', 'input': 'the cat', 'encoding_format': 'base64'}");

        List<?> vector = numbers.list("data.0.embedding");
        double squares = vector.stream()
                .mapToDouble(value -> Math.pow(Double.parseDouble(String.valueOf(value)), 2))
                .sum();
        assertThat(squares).isCloseTo(1, org.assertj.core.data.Offset.offset(1e-4));
        assertThat(numbers.list("data")).hasSize(2);
        byte[] bytes = Base64.getDecoder().decode(packed.string("data.0.embedding"));
        ByteBuffer floats = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        assertThat(bytes).hasSize(4 * vector.size());
        assertThat(floats.getFloat())
                .isCloseTo(
                        Float.parseFloat(String.valueOf(vector.getFirst())),
                        org.assertj.core.data.Offset.offset(1e-3f));
        assertThat(numbers.integer("usage.prompt_tokens")).isGreaterThan(2);
    }

    @Test
    void embeddingsCanBeShortened() {
        Reply reply = server.post("/v1/embeddings", "{'model': 'embed', 'input': 'the cat', 'dimensions': 4}");

        assertThat(reply.list("data.0.embedding")).hasSize(4);
        assertThat(server.post("/v1/embeddings", "{'model': 'embed', 'input': 'x', 'dimensions': 100000}")
                        .status())
                .isEqualTo(400);
    }

    @Test
    void whatCannotBeEmbeddedIsRefused() {
        assertThat(server.post("/v1/embeddings", "{'model': 'embed', 'input': []}")
                        .status())
                .isEqualTo(400);
        assertThat(server.post("/v1/embeddings", "{'model': 'embed', 'input': [1, 100000000]}")
                        .string("error.message"))
                .contains("100000000");
        Reply tooLong = server.post("/v1/embeddings", "{'model': 'embed', 'input': '" + "long ".repeat(400) + "'}");
        assertThat(tooLong.status()).isEqualTo(400);
        assertThat(tooLong.string("error.message")).contains("too large");
        assertThat(server.post("/v1/embeddings", "{'model': 'tiny', 'input': 'x'}")
                        .status())
                .isEqualTo(400);
    }

    @Test
    void modelsAreListedAndTold() {
        Reply list = server.get("/v1/models");

        assertThat(list.list("data")).extracting(model -> at(model, "id")).containsExactly("tiny", "embed");
        assertThat(server.get("/v1/models/tiny").string("object")).isEqualTo("model");
        assertThat(server.get("/v1/models/ti%6Ey").status()).isEqualTo(200);
        assertThat(server.get("/v1/models/none").status()).isEqualTo(404);
    }

    @Test
    void healthAndUnknownPathsAnswerInJson() {
        assertThat(server.get("/health").string("status")).isEqualTo("ok");
        Reply unknown = server.get("/v1/nothing");
        assertThat(unknown.status()).isEqualTo(404);
        assertThat(unknown.string("error.message")).contains("/v1");
        Reply method = server.get("/v1/completions");
        assertThat(method.status()).isEqualTo(405);
        assertThat(method.header("allow")).isEqualTo("POST");
    }

    @Test
    void everyAnswerHasAnIdOfItsOwn() {
        String first = server.get("/health").header("x-request-id");

        assertThat(first).startsWith("req_");
        assertThat(server.get("/health").header("x-request-id")).isNotEqualTo(first);
    }
}
