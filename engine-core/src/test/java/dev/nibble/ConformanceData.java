package dev.nibble;

import static org.junit.jupiter.api.Assumptions.abort;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** Finds the conformance data: reference files that are not part of the repository. */
public final class ConformanceData {
    private ConformanceData() {}

    /**
     * The file {@code path} of the data: in the folder that the system property {@code nibble.conformance} or the
     * environment variable {@code NIBBLE_CONFORMANCE} names, or in {@code ../shared/conformance} beside the repository.
     * Where it is absent the test is skipped, which prints why, or fails if {@code -Dnibble.require.conformance=true} is
     * set.
     */
    public static Path require(String path) {
        Path folder = folder();
        Path file = folder.resolve(path);
        if (!Files.exists(file)) {
            String reason = "no conformance data: " + file + " is absent; set NIBBLE_CONFORMANCE to its folder";
            if (Boolean.getBoolean("nibble.require.conformance")) {
                throw new AssertionError(reason);
            }
            System.err.println("SKIPPED: " + reason);
            abort(reason);
        }
        return file;
    }

    private static Path folder() {
        return Optional.ofNullable(System.getProperty("nibble.conformance"))
                .or(() -> Optional.ofNullable(System.getenv("NIBBLE_CONFORMANCE")))
                .map(Path::of)
                .orElseGet(ConformanceData::besideRepository);
    }

    private static Path besideRepository() {
        Path start = Path.of("").toAbsolutePath();
        for (Path at = start; at != null; at = at.getParent()) {
            if (Files.exists(at.resolve(".git")) || Files.exists(at.resolve("engine-core"))) {
                return at.resolve("../shared/conformance").normalize();
            }
        }
        return start.resolve("../shared/conformance").normalize();
    }
}
