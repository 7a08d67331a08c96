package dev.nibble.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nibble.json.JsonValues;
import dev.nibble.server.TestServer.Reply;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The description of the server against what it does. */
class OpenApiTest {
    private static final Pattern REFERENCE = Pattern.compile("\"\\$ref\":\"#/components/schemas/([^\"]+)\"");

    private static TestServer server;

    @BeforeAll
    static void start() throws IOException {
        server = TestServer.start();
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    private static Reply description() {
        return server.get("/openapi.json");
    }

    private static Map<?, ?> paths() {
        return TestServer.map(description().json(), "paths");
    }

    /** Each operation as a method and a path, with its description. */
    private static Map<String, Object> operations() {
        Map<String, Object> operations = new java.util.TreeMap<>();
        paths().forEach((path, item) -> ((Map<?, ?>) item).forEach((method, operation) -> {
            if (!method.equals("parameters")) {
                operations.put(String.valueOf(method).toUpperCase(Locale.ROOT) + " " + path, operation);
            }
        }));
        return operations;
    }

    @Test
    void itIsServedInTheFormThatToolsRead() {
        Reply reply = description();

        assertThat(reply.status()).isEqualTo(200);
        assertThat(reply.string("openapi")).startsWith("3.1.");
        assertThat(reply.header("content-type")).isEqualTo("application/json");
    }

    @Test
    void allRoutesAreDescribedAndNoOthers() {
        TreeSet<String> described = new TreeSet<>();
        operations().keySet().forEach(operation -> described.add(operation.replaceFirst("\\{\\w+}$", "*")));

        List<String> routes = server.server.routes().stream()
                .filter(route -> !route.matches("GET /(index\\.html|\\w+\\.(js|css))")) // the page's files
                .toList();

        assertThat(described).containsExactlyInAnyOrderElementsOf(routes);
    }

    @Test
    void namesAreUniqueAndReferencesLeadSomewhere() {
        String text = description().text();
        Map<?, ?> schemas = TestServer.map(description().json(), "components.schemas");
        Matcher matcher = REFERENCE.matcher(text);
        TreeSet<Object> used = new TreeSet<>();
        while (matcher.find()) {
            used.add(matcher.group(1));
        }

        assertThat(used).isEqualTo(new TreeSet<>(schemas.keySet()));
        List<Object> ids = new ArrayList<>();
        operations().values().forEach(operation -> ids.add(TestServer.at(operation, "operationId")));
        assertThat(ids).doesNotContainNull().doesNotHaveDuplicates();
    }

    /** Without a body where one is needed, each has to say so as described. */
    @Test
    void eachOperationAnswersWithAStatusThatIsDescribed() {
        operations().forEach((name, operation) -> {
            String[] parts = name.split(" ", 2);
            Reply reply = server.send(server.request(parts[1].replaceFirst("\\{\\w+}$", "tiny"))
                    .method(parts[0], HttpRequest.BodyPublishers.noBody()));

            Map<?, ?> responses = TestServer.map(operation, "responses");
            assertThat(responses.keySet().stream().map(String::valueOf))
                    .as(name + " "
                            + JsonValues.write(responses.keySet().stream().toList()))
                    .contains(String.valueOf(reply.status()));
            assertThat(reply.status()).as(name).isNotIn(405, 500);
            Map<?, ?> content = TestServer.map(responses.get(String.valueOf(reply.status())), "content");
            assertThat(content.keySet().toString())
                    .as(name)
                    .contains(String.valueOf(reply.header("content-type")).replaceFirst(";.*", ""));
        });
    }

    @Test
    void whatNeedsNoKeyIsDescribedAsSuch() throws IOException {
        try (TestServer locked = TestServer.start(builder -> builder.apiKey("secret"))) {
            operations().forEach((name, operation) -> {
                String[] parts = name.split(" ", 2);
                Reply reply = locked.send(locked.request(parts[1].replaceFirst("\\{\\w+}$", "tiny"))
                        .method(parts[0], HttpRequest.BodyPublishers.noBody()));
                boolean open = TestServer.at(operation, "security") != null;

                assertThat(reply.status() != 401).as(name).isEqualTo(open);
            });
        }
    }
}
