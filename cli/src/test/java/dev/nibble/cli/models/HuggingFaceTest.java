package dev.nibble.cli.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HuggingFaceTest {
    private static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";
    private static final Duration PATIENCE = Duration.ofMillis(700);

    @TempDir
    Path home;

    private FakeServer server;
    private final Recorder recorder = new Recorder();
    private final Map<String, String> variables = new HashMap<>();
    private final byte[] content = new byte[700_000];

    @BeforeEach
    void start() throws IOException {
        server = new FakeServer();
        new Random(7).nextBytes(content);
        variables.put("HF_ENDPOINT", server.url());
        variables.put("HF_HUB_CACHE", home.resolve("hub").toString());
        variables.put("NIBBLE_CACHE", home.resolve("nibble").toString());
        server.text(
                "/api/models/org/repo/refs",
                "{\"branches\":[{\"name\":\"dev\",\"targetCommit\":\"ffffffff\"},{\"name\":\"main\",\"targetCommit\":\""
                        + COMMIT + "\"}]}");
    }

    @AfterEach
    void stop() {
        server.close();
    }

    @Test
    void downloadsTheChosenQuantIntoTheSharedCacheLayout() throws Exception {
        tree(entry("a-Q8_0.gguf", content), entry("a-Q4_K_M.gguf", content), entry("README.md", new byte[3]));
        server.file(resolve("a-Q4_K_M.gguf"), content);

        Path file = resolver().resolve("hf:org/repo");

        Path repository = home.resolve("hub/models--org--repo");
        assertThat(file).isEqualTo(repository.resolve("snapshots/" + COMMIT + "/a-Q4_K_M.gguf"));
        assertThat(file).hasBinaryContent(content);
        assertThat(repository.resolve("refs/main")).hasContent(COMMIT);
        if (Files.isSymbolicLink(file)) {
            assertThat(repository.resolve("blobs/" + sha256(content))).hasBinaryContent(content);
            assertThat(Files.readSymbolicLink(file)).isEqualTo(Path.of("../../blobs/" + sha256(content)));
        } else { // not everybody may make links there
            assertThat(System.getProperty("os.name")).startsWith("Windows");
        }
        assertThat(recorder.started).containsExactly("a-Q4_K_M.gguf");
        assertThat(recorder.lastBytes).isEqualTo(content.length);
    }

    @Test
    void usesTheCacheWithoutAskingTheHub() throws Exception {
        tree(entry("a-Q8_0.gguf", content));
        server.file(resolve("a-Q8_0.gguf"), content);
        Path first = resolver().resolve("hf:org/repo:q8_0");
        int requests = server.requests().size();

        assertThat(resolver().resolve("hf:org/repo:Q8_0")).isEqualTo(first);
        assertThat(server.requests()).hasSize(requests);
    }

    @Test
    void continuesAFileThatBrokeOff() throws Exception {
        tree(entry("a-Q8_0.gguf", content));
        server.breaking(resolve("a-Q8_0.gguf"), content, 300_000, 2);

        assertThat(resolver().resolve("hf:org/repo")).hasBinaryContent(content);
        assertThat(server.requests()).anyMatch(request -> request.matches(".*a-Q8_0.gguf bytes=[1-9]\\d+-"));
    }

    @Test
    void continuesWhatAnEarlierProcessLeft() throws Exception {
        tree(entry("a-Q8_0.gguf", content));
        server.file(resolve("a-Q8_0.gguf"), content);
        Path part = home.resolve("hub/models--org--repo/blobs/" + sha256(content) + ".part");
        Files.createDirectories(part.getParent());
        Files.write(part, java.util.Arrays.copyOf(content, 123_456));

        assertThat(resolver().resolve("hf:org/repo")).hasBinaryContent(content);
        assertThat(server.requests()).anyMatch(request -> request.endsWith("a-Q8_0.gguf bytes=123456-"));
        assertThat(part).doesNotExist();
    }

    @Test
    void beginsAgainWhereTheServerKnowsNoRanges() throws Exception {
        tree(entry("a-Q8_0.gguf", content));
        server.fileWithoutRanges(resolve("a-Q8_0.gguf"), content);
        Path part = home.resolve("hub/models--org--repo/blobs/" + sha256(content) + ".part");
        Files.createDirectories(part.getParent());
        Files.write(part, java.util.Arrays.copyOf(content, 1000));

        assertThat(resolver().resolve("hf:org/repo")).hasBinaryContent(content);
    }

    @Test
    void refusesAndDeletesAFileWithAnotherHash() throws Exception {
        byte[] other = content.clone();
        other[5] ^= 1;
        tree(entry("a-Q8_0.gguf", content));
        server.file(resolve("a-Q8_0.gguf"), other);

        assertThatThrownBy(() -> resolver().resolve("hf:org/repo"))
                .isInstanceOf(ModelNotFoundException.class)
                .hasMessageContaining("damaged")
                .hasMessageContaining(sha256(content));
        assertThat(home.resolve("hub/models--org--repo/blobs")).isEmptyDirectory();
    }

    @Test
    void refusesAFileOfAnotherSize() throws Exception {
        tree(entry("a-Q8_0.gguf", content));
        server.file(resolve("a-Q8_0.gguf"), new byte[1000]);

        assertThatThrownBy(() -> resolver().resolve("hf:org/repo"))
                .isInstanceOf(ModelNotFoundException.class)
                .hasMessageContaining("announces 1000 bytes")
                .hasMessageContaining("700000");
    }

    @Test
    void givesUpOnADownloadThatStopsAndSaysHowToContinue() throws Exception {
        tree(entry("a-Q8_0.gguf", content));
        server.hanging(resolve("a-Q8_0.gguf"));

        assertThatThrownBy(() -> resolver().resolve("hf:org/repo"))
                .isInstanceOf(ModelNotFoundException.class)
                .hasMessageContaining("did not answer within");
    }

    @Test
    void aHubThatHangsCostsFiveSecondsAtMost() {
        server.hanging("/api/models/org/repo/refs");
        long begun = System.nanoTime();

        assertThatThrownBy(() -> resolver().resolve("hf:org/repo"))
                .isInstanceOf(ModelNotFoundException.class)
                .hasMessageContaining("did not answer within 5 s")
                .hasMessageContaining("the cache does not have the model");
        assertThat(Duration.ofNanos(System.nanoTime() - begun)).isLessThan(Duration.ofMillis(6500));
    }

    @Test
    void saysWhatAHubThatIsNotThereMeans() {
        server.close();

        assertThatThrownBy(() -> resolver().resolve("hf:org/repo"))
                .isInstanceOf(ModelNotFoundException.class)
                .hasMessageContaining("cannot be reached");
    }

    @Test
    void namesARepositoryThatDoesNotExistAndOneThatIsGated() {
        assertThatThrownBy(() -> resolver().resolve("hf:org/missing"))
                .isInstanceOf(ModelNotFoundException.class)
                .hasMessageContaining("no such repository (404)");
        server.text("/api/models/org/gated/refs", 401, "no", Map.of());
        assertThatThrownBy(() -> resolver().resolve("hf:org/gated"))
                .isInstanceOf(ModelNotFoundException.class)
                .hasMessageContaining("HF_TOKEN");
    }

    @Test
    void listsWhatThereIsWhenTheQuantIsNot() throws Exception {
        tree(entry("a-Q8_0.gguf", content), entry("mmproj-Q4_0.gguf", content));

        assertThatThrownBy(() -> resolver().resolve("hf:org/repo:Q4_0"))
                .isInstanceOf(ModelNotFoundException.class)
                .hasMessageContaining("no file with Q4_0")
                .hasMessageContaining("a-Q8_0.gguf")
                .hasMessageNotContaining("mmproj");
    }

    @Test
    void gathersAllPartsOfASplitModelAndReadsAllPages() throws Exception {
        byte[] second = {1, 2, 3};
        String next = "/api/models/org/repo/tree/" + COMMIT + "?recursive=true&cursor=x";
        server.text(
                "/api/models/org/repo/tree/" + COMMIT + "?recursive=true",
                200,
                "[" + entry("q/a-Q4_K_M-00001-of-00002.gguf", content) + "]",
                Map.of("Link", "<" + server.url() + next + ">; rel=\"next\""));
        server.text(next, "[" + entry("q/a-Q4_K_M-00002-of-00002.gguf", second) + "]");
        server.file(resolve("q/a-Q4_K_M-00001-of-00002.gguf"), content);
        server.file(resolve("q/a-Q4_K_M-00002-of-00002.gguf"), second);

        Path file = resolver().resolve("hf:org/repo");

        assertThat(file.getFileName()).hasToString("a-Q4_K_M-00001-of-00002.gguf");
        assertThat(file.resolveSibling("a-Q4_K_M-00002-of-00002.gguf")).hasBinaryContent(second);
    }

    @Test
    void checksSmallFilesByTheirGitHash() throws Exception {
        byte[] small = {9, 8, 7};
        byte[] header = "blob 3\0".getBytes(java.nio.charset.StandardCharsets.US_ASCII);
        MessageDigest sha1 = MessageDigest.getInstance("SHA-1");
        sha1.update(header);
        String oid = HexFormat.of().formatHex(sha1.digest(small));
        tree("{\"type\":\"file\",\"path\":\"a.gguf\",\"size\":3,\"oid\":\"" + oid + "\"}");
        server.file(resolve("a.gguf"), small);

        assertThat(resolver().resolve("hf:org/repo")).hasBinaryContent(small);
    }

    @Test
    void sendsTheTokenToTheHubButNotToWhereItRedirects() throws Exception {
        variables.put("HF_TOKEN", "secret");
        tree(entry("a-Q8_0.gguf", content));
        try (FakeServer storage = new FakeServer()) {
            storage.file("/blob", content);
            server.text(resolve("a-Q8_0.gguf"), 302, "", Map.of("Location", storage.url() + "/blob"));

            assertThat(resolver().resolve("hf:org/repo")).hasBinaryContent(content);

            assertThat(server.requests()).allMatch(request -> request.endsWith("Bearer secret"));
            assertThat(storage.requests()).containsExactly("/blob");
        }
    }

    @Test
    void neverWritesOutsideTheCache() throws Exception {
        tree(entry("../../../evil-Q4_K_M.gguf", content), entry("/evil-Q4_K_M.gguf", content));

        assertThatThrownBy(() -> resolver().resolve("hf:org/repo"))
                .isInstanceOf(ModelNotFoundException.class)
                .hasMessageContaining("no .gguf file");
    }

    @Test
    void obeysTheOfflineSwitch() {
        variables.put("HF_HUB_OFFLINE", "1");

        assertThatThrownBy(() -> resolver().resolve("hf:org/repo"))
                .isInstanceOf(ModelNotFoundException.class)
                .hasMessageContaining("HF_HUB_OFFLINE");
        assertThat(server.requests()).isEmpty();
    }

    @Test
    void pullAsksTheHubForANewerVersion() throws Exception {
        tree(entry("a-Q8_0.gguf", content));
        server.file(resolve("a-Q8_0.gguf"), content);
        resolver().resolve("hf:org/repo");
        int requests = server.requests().size();

        resolver().refresh("hf:org/repo");

        List<String> later =
                server.requests().subList(requests, server.requests().size());
        assertThat(later).hasSize(2).noneMatch(request -> request.contains("/resolve/"));
    }

    private ModelResolver resolver() {
        return new ModelResolver(
                new Environment(variables, home, "Linux"), recorder, PATIENCE, URI.create(server.url()));
    }

    private void tree(String... entries) {
        server.text("/api/models/org/repo/tree/" + COMMIT + "?recursive=true", "[" + String.join(",", entries) + "]");
    }

    private static String resolve(String path) {
        return "/org/repo/resolve/" + COMMIT + "/" + path;
    }

    private static String entry(String path, byte[] content) throws Exception {
        return "{\"type\":\"file\",\"path\":\"" + path + "\",\"size\":" + content.length
                + ",\"oid\":\"0000000000000000000000000000000000000000\",\"lfs\":{\"oid\":\"" + sha256(content)
                + "\",\"size\":" + content.length + ",\"pointerSize\":130}}";
    }

    private static String sha256(byte[] content) throws Exception {
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
    }
}
