package dev.nibble.testdata;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.jspecify.annotations.Nullable;

/**
 * The folder with reference data, which is not part of the repository. It is the one that the system property {@code
 * nibble.conformance} or the environment variable {@code NIBBLE_CONFORMANCE} names, or else {@code ../shared/conformance}
 * beside the repository.
 *
 * <p>Tests that need it begin with {@code assumeTrue(Conformance.isPresent(), Conformance.missing())}: where the data is absent
 * they are skipped, or fail if {@code -Dnibble.require.conformance=true} is set.
 */
public final class Conformance {
    private static final String PROPERTY = "nibble.conformance";
    private static final String VARIABLE = "NIBBLE_CONFORMANCE";
    private static final String REQUIRED = "nibble.require.conformance";
    private static final @Nullable Path FOLDER = find();

    private Conformance() {}

    /**
     * Whether the data is there.
     *
     * @throws IllegalStateException if it is not and {@code -Dnibble.require.conformance=true} is set
     */
    public static boolean isPresent() {
        if (FOLDER == null && Boolean.getBoolean(REQUIRED)) {
            throw new IllegalStateException(REQUIRED + " is set and " + missing());
        }
        return FOLDER != null;
    }

    /** Why a test that needs the data is skipped. */
    public static String missing() {
        return "the reference data is absent: set -D" + PROPERTY + "=FOLDER or " + VARIABLE
                + ", or put it into ../shared/conformance beside the repository";
    }

    /**
     * A file or folder of the data, as {@code archs/llama.gguf}.
     *
     * @throws IllegalStateException if the data is absent
     */
    public static Path path(String name) {
        if (FOLDER == null) {
            throw new IllegalStateException(missing());
        }
        return FOLDER.resolve(name);
    }

    /** The files in {@code folder} whose names end with {@code suffix}, by name; none if the data is absent. */
    public static List<Path> files(String folder, String suffix) throws IOException {
        if (FOLDER == null) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(FOLDER.resolve(folder))) {
            return files.filter(file -> file.toString().endsWith(suffix))
                    .sorted()
                    .toList();
        }
    }

    /** Unpacks a gzip file into {@code folder} and returns the unpacked file. */
    public static Path unpack(Path gzip, Path folder) throws IOException {
        String name = gzip.getFileName().toString();
        Path file = folder.resolve(name.substring(0, name.length() - ".gz".length()));
        try (InputStream in = new GZIPInputStream(Files.newInputStream(gzip))) {
            Files.copy(in, file);
        }
        return file;
    }

    /** The little-endian f32 values of a file, as {@code archs/llama.logits.f32}. */
    public static float[] floats(Path file) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
        float[] values = new float[bytes.remaining() / Float.BYTES];
        bytes.asFloatBuffer().get(values);
        return values;
    }

    private static @Nullable Path find() {
        String given = System.getProperty(PROPERTY, System.getenv(VARIABLE));
        if (given != null && !given.isEmpty()) {
            Path folder = Path.of(given);
            if (!Files.isDirectory(folder)) {
                throw new IllegalStateException(PROPERTY + ": there is no folder " + folder);
            }
            return folder;
        }
        for (Path folder = Path.of("").toAbsolutePath(); folder != null; folder = folder.getParent()) {
            if (Files.exists(folder.resolve(".git")) || Files.exists(folder.resolve("engine-core"))) {
                Path beside = folder.resolve("../shared/conformance").normalize();
                return Files.isDirectory(beside) ? beside : null;
            }
        }
        return null;
    }
}
