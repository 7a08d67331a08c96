package dev.nibble.cli.models;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The cache of the Hugging Face tools: {@code models--ORG--REPO/} with {@code refs/main} (a commit),
 * {@code snapshots/COMMIT/FILE} (links) and {@code blobs/HASH} (contents).
 */
final class HuggingFaceCache {
    private static final int MAX_DEPTH = 6;

    private final Path root;

    HuggingFaceCache(Path root) {
        this.root = root;
    }

    /** The folder of a repository. */
    Path folder(String repository) {
        return root.resolve("models--" + repository.replace("/", "--"));
    }

    /** Where the content with this hash is kept. */
    Path blob(String repository, String hash) {
        return folder(repository).resolve("blobs").resolve(hash);
    }

    /** Where the file of a commit is. */
    Path snapshotFile(String repository, String commit, String path) {
        return folder(repository).resolve("snapshots").resolve(commit).resolve(path);
    }

    /** The first file of the model in the newest snapshot that has all of it. */
    Optional<Path> find(String repository, @Nullable String quant) throws IOException {
        for (Path snapshot : snapshots(repository)) {
            List<String> chosen = QuantChoice.choose(paths(snapshot), quant);
            if (!chosen.isEmpty()) {
                return Optional.of(snapshot.resolve(chosen.get(0)));
            }
        }
        return Optional.empty();
    }

    /** All model files in all snapshots of all repositories, of a split model the first. */
    List<Path> models() throws IOException {
        if (!Files.isDirectory(root)) {
            return List.of();
        }
        List<Path> models = new ArrayList<>();
        try (Stream<Path> folders = Files.list(root)) {
            for (Path folder : folders.sorted().toList()) {
                String name = String.valueOf(folder.getFileName());
                if (name.startsWith("models--")) {
                    for (Path snapshot :
                            snapshots(name.substring("models--".length()).replaceFirst("--", "/"))) {
                        QuantChoice.firstFiles(paths(snapshot)).stream()
                                .map(snapshot::resolve)
                                .forEach(models::add);
                    }
                }
            }
        }
        return models;
    }

    /** Makes the blob appear as the file of a commit. */
    void link(String repository, String commit, String path, Path blob) throws IOException {
        Path link = snapshotFile(repository, commit, path).toAbsolutePath();
        Path folder = link.resolveSibling(".").normalize();
        Files.createDirectories(folder);
        Files.deleteIfExists(link);
        try {
            Files.createSymbolicLink(link, folder.relativize(blob.toAbsolutePath()));
            if (Files.exists(link)) {
                return;
            }
            Files.deleteIfExists(link); // a file system that makes links and does not follow them
        } catch (IOException | UnsupportedOperationException e) {
            // Windows without the right to make links
        }
        // the file itself, as the Hugging Face tools do
        Files.move(blob, link, StandardCopyOption.ATOMIC_MOVE);
    }

    /** Says which commit is the newest; the caller holds the repository's lock. */
    void setMain(String repository, String commit) throws IOException {
        Path refs = folder(repository).resolve("refs");
        Files.createDirectories(refs);
        Path written = folder(repository).resolve(".nibble.main.part");
        Files.writeString(written, commit, StandardCharsets.UTF_8);
        Files.move(written, refs.resolve("main"), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    /** The snapshot of the newest commit known, then the others. */
    private List<Path> snapshots(String repository) throws IOException {
        Path folder = folder(repository).resolve("snapshots");
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        Path ref = folder(repository).resolve("refs").resolve("main");
        String main = Files.isRegularFile(ref) ? Files.readString(ref).strip() : "";
        try (Stream<Path> snapshots = Files.list(folder)) {
            return snapshots
                    .sorted((a, b) -> Boolean.compare(b.endsWith(main), a.endsWith(main)))
                    .toList();
        }
    }

    /** The files of a snapshot, relative to it; a link whose content is gone is none. */
    private static List<String> paths(Path snapshot) throws IOException {
        try (Stream<Path> files = Files.walk(snapshot, MAX_DEPTH)) {
            return files.filter(Files::isRegularFile)
                    .map(file -> snapshot.relativize(file).toString().replace('\\', '/'))
                    .filter(path -> path.endsWith(".gguf"))
                    .sorted()
                    .toList();
        }
    }
}
