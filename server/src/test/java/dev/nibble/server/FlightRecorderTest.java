package dev.nibble.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The flight recorder is told of requests, and of nothing that is in them. */
class FlightRecorderTest {
    @TempDir
    Path folder;

    @Test
    void requestsAreRecorded() throws Exception {
        Path file = folder.resolve("recording.jfr");
        List<String> ids = new ArrayList<>();
        try (Recording recording = new Recording()) {
            recording.enable("dev.nibble.Request").withoutThreshold();
            recording.start();
            try (TestServer server = TestServer.start()) {
                ids.add(server.post("/v1/completions", "{'prompt': 'secret', 'max_tokens': 1}")
                        .header("x-request-id"));
                ids.add(server.get("/v1/nothing?secret").header("x-request-id"));
            }
            recording.stop();
            recording.dump(file);
        }

        List<RecordedEvent> events = RecordingFile.readAllEvents(file).stream()
                .filter(event -> event.getEventType().getName().startsWith("dev.nibble.Request"))
                .toList();

        assertThat(events).extracting(event -> event.getString("requestId")).containsExactlyElementsOf(ids);
        assertThat(events)
                .extracting(event ->
                        event.getString("method") + " " + event.getString("path") + " " + event.getInt("status"))
                .containsExactly("POST /v1/completions 200", "GET /v1/nothing 404");
        assertThat(events).allMatch(event -> !event.getBoolean("clientLeft"));
        assertThat(events.getFirst().getDuration()).isPositive().isLessThan(Duration.ofMinutes(2));
        assertThat(events.toString()).doesNotContain("secret");
    }
}
