package dev.nibble.cli.models;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Models on a Hugging Face hub: asks the hub which files there are and keeps them in the cache the Hugging Face tools
 * share, so that nothing is downloaded twice.
 */
final class HuggingFace {
    /** How long a hub that may not be there may cost. */
    static final Duration FIRST_ANSWER = Duration.ofSeconds(5);

    private static final Duration LATER_ANSWERS = Duration.ofSeconds(30);
    private static final int MAX_PAGES = 100;
    private static final Pattern NEXT_PAGE = Pattern.compile("<([^>]+)>\\s*;\\s*rel=\"?next\"?");

    private final Environment environment;
    private final Reporter reporter;
    private final Duration patience;
    private final String endpoint;

    HuggingFace(Environment environment, Reporter reporter, Duration patience) {
        this.environment = environment;
        this.reporter = reporter;
        this.patience = patience;
        this.endpoint = environment
                .get("HF_ENDPOINT")
                .or(() -> environment.get("MODEL_ENDPOINT"))
                .orElse("https://huggingface.co")
                .replaceAll("/+$", "");
    }

    private HuggingFaceCache cache() {
        return new HuggingFaceCache(environment.huggingFaceCache());
    }

    /** The first file of the model if the cache has all of it; the hub is not asked. */
    Optional<Path> cached(Locator.HuggingFace locator) throws IOException {
        return cache().find(locator.repository(), locator.quant());
    }

    /**
     * The first file of the model, downloaded where the cache lacks it.
     *
     * @throws UnreachableException if the hub does not answer
     * @throws ModelNotFoundException if the hub has no such model or does not give it
     */
    Path get(Locator.HuggingFace locator) throws IOException {
        HuggingFaceCache cache = cache();
        try (Http http = new Http(environment)) {
            String repository = locator.repository();
            String commit = commit(http, locator);
            List<RemoteFile> files = files(http, locator, commit);
            List<String> paths = files.stream().map(RemoteFile::path).toList();
            List<String> chosen = QuantChoice.choose(paths, locator.quant());
            if (chosen.isEmpty()) {
                throw new ModelNotFoundException(locator + ": "
                        + (locator.quant() == null ? "no model file" : "no file with " + locator.quant())
                        + " in the repository, which has: " + QuantChoice.describe(paths));
            }
            Path folder = cache.folder(repository);
            return FileLocks.holding(folder.resolve(".nibble.lock"), reporter, () -> {
                Download download = new Download(http, reporter, patience);
                for (RemoteFile file : files) {
                    if (chosen.contains(file.path())) {
                        fetch(cache, download, locator, commit, file);
                    }
                }
                cache.setMain(repository, commit);
                return cache.snapshotFile(repository, commit, chosen.get(0));
            });
        }
    }

    private void fetch(
            HuggingFaceCache cache, Download download, Locator.HuggingFace locator, String commit, RemoteFile file)
            throws IOException {
        Path blob = cache.blob(locator.repository(), file.hash().hex());
        Path linked = cache.snapshotFile(locator.repository(), commit, file.path());
        if (Files.exists(linked) && Files.size(linked) == file.size()) {
            return;
        }
        if (!Files.exists(blob) || Files.size(blob) != file.size()) {
            URI uri = uri("/" + locator.repository() + "/resolve/" + commit + "/" + encode(file.path()));
            download.to(blob, new Download.Source(file.path(), uri, authorization(), file.size(), file.hash()));
        }
        cache.link(locator.repository(), commit, file.path(), blob);
    }

    private String commit(Http http, Locator.HuggingFace locator) throws IOException {
        Http.Document document =
                request(http, locator, uri("/api/models/" + locator.repository() + "/refs"), FIRST_ANSWER);
        for (Object branch : list(map(parse(document, locator), locator).get("branches"))) {
            Map<?, ?> entry = map(branch, locator);
            if ("main".equals(entry.get("name"))
                    && entry.get("targetCommit") instanceof String commit
                    && commit.matches("[0-9a-zA-Z]{7,64}")) {
                return commit;
            }
        }
        throw new ModelNotFoundException(locator + ": the repository has no branch main");
    }

    /** A file in a repository. */
    private record RemoteFile(String path, long size, Hash hash) {}

    private List<RemoteFile> files(Http http, Locator.HuggingFace locator, String commit) throws IOException {
        List<RemoteFile> files = new ArrayList<>();
        @Nullable URI page = uri("/api/models/" + locator.repository() + "/tree/" + commit + "?recursive=true");
        for (int pages = 0; page != null && pages < MAX_PAGES; pages++) {
            Http.Document document = request(http, locator, page, LATER_ANSWERS);
            for (Object item : list(parse(document, locator))) {
                toFile(map(item, locator)).ifPresent(files::add);
            }
            Matcher next = NEXT_PAGE.matcher(document.headers().getOrDefault("link", ""));
            page = next.find() ? page.resolve(next.group(1)) : null;
        }
        return files;
    }

    private static Optional<RemoteFile> toFile(Map<?, ?> entry) {
        if (!"file".equals(entry.get("type"))
                || !(entry.get("path") instanceof String path)
                || !(entry.get("size") instanceof Number size)
                || !(entry.get("oid") instanceof String oid)
                || !isSafe(path)) {
            return Optional.empty();
        }
        try {
            if (entry.get("lfs") instanceof Map<?, ?> lfs
                    && lfs.get("oid") instanceof String sha256
                    && lfs.get("size") instanceof Number lfsSize) {
                return Optional.of(new RemoteFile(path, lfsSize.longValue(), Hash.sha256(sha256)));
            }
            return Optional.of(new RemoteFile(path, size.longValue(), new Hash(Hash.Kind.GIT_SHA1, oid)));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    /** Whether the path stays inside the folder it is relative to. */
    private static boolean isSafe(String path) {
        return path.matches("[^/\\\\:\\x00-\\x1f]+(/[^/\\\\:\\x00-\\x1f]+)*")
                && List.of(path.split("/")).stream().noneMatch(name -> name.equals("..") || name.equals("."));
    }

    private Http.Document request(Http http, Locator.HuggingFace locator, URI uri, Duration timeout)
            throws IOException {
        Http.Document document = http.document(uri, authorization(), timeout);
        String host = uri.getHost();
        boolean withToken = environment.get("HF_TOKEN").isPresent();
        int status = document.status();
        if (status == 200) {
            return document;
        }
        if (status == 401 || status == 403) {
            // The hub says 401 also for what does not exist, so as not to tell what is private.
            throw new ModelNotFoundException(locator + ": " + host + " does not give access (" + status
                    + "): the name is wrong, or the model is private or gated; "
                    + (withToken ? "check HF_TOKEN and accept its terms at " : "accept its terms and set HF_TOKEN: ")
                    + endpoint + "/" + locator.repository());
        }
        if (status == 404) {
            throw new ModelNotFoundException(locator + ": " + host + " has no such repository (404)");
        }
        if (status >= 500 || status == 429) {
            throw new UnreachableException(host + " answered " + status);
        }
        throw new ModelNotFoundException(locator + ": " + host + " answered " + status);
    }

    private Map<String, String> authorization() {
        return environment
                .get("HF_TOKEN")
                .map(token -> Map.of("Authorization", "Bearer " + token.strip()))
                .orElse(Map.of());
    }

    private URI uri(String pathAndQuery) throws ModelNotFoundException {
        try {
            return URI.create(endpoint + pathAndQuery);
        } catch (IllegalArgumentException e) {
            throw new ModelNotFoundException("HF_ENDPOINT is not a URL: " + endpoint, e);
        }
    }

    private static String encode(String path) {
        return URLEncoder.encode(path, StandardCharsets.UTF_8)
                .replace("%2F", "/")
                .replace("+", "%20");
    }

    private static Object parse(Http.Document document, Locator locator) throws IOException {
        try {
            Object value = JSON.std.anyFrom(document.body());
            if (value != null) {
                return value;
            }
        } catch (IOException e) {
            throw new ModelNotFoundException(locator + ": the hub's answer is not JSON", e);
        }
        throw new ModelNotFoundException(locator + ": the hub's answer is empty");
    }

    private static Map<?, ?> map(@Nullable Object value, Locator locator) throws ModelNotFoundException {
        if (value instanceof Map<?, ?> map) {
            return map;
        }
        throw new ModelNotFoundException(locator + ": the hub's answer has another shape than expected");
    }

    private static List<?> list(@Nullable Object value) {
        return value instanceof List<?> list ? list : List.of();
    }
}
