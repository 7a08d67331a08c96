package dev.nibble.gguf;

import dev.nibble.ModelFormatException;
import dev.nibble.model.Metadata;
import dev.nibble.model.ModelSource;
import dev.nibble.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * An open GGUF file, version 2 or 3: mapped into memory, parsed and checked. Tensors and arrays of strings stay in the
 * mapping, so that opening takes milliseconds whatever the size, and both must not be used after {@link #close}.
 *
 * <p>A model split into several files is opened by the first of them, {@code <prefix>-00001-of-0000N.gguf}.
 *
 * <p>What is accepted is what llama.cpp accepts, but for limits far from any real model: an alignment up to 1 MiB, keys
 * up to 65535 bytes, strings up to 64 MiB, and metadata that takes up to 256 MiB of heap.
 */
public final class GgufFile implements ModelSource {
    private final String name;
    private final Arena arena;
    private final AtomicBoolean closed = new AtomicBoolean();
    private final List<Path> files;
    private final long fileSize;
    private final String stamp;
    private final int version;
    private final int alignment;
    private final Metadata metadata;
    private final Map<String, GgufEntry> entries;
    private final Map<String, GgufTensorInfo> infos;
    private final Map<String, Tensor> tensors;
    private final Duration parseTime;

    private GgufFile(Path file, Arena arena, Shards shards, Duration parseTime) {
        GgufParser.Contents first = shards.first();
        this.name = file.toString();
        this.arena = arena;
        this.files = shards.files();
        this.fileSize = shards.fileSize();
        this.stamp = shards.stamp();
        this.version = first.version();
        this.alignment = first.alignment();
        this.metadata = new Metadata(name, first.values());
        this.entries = first.entries();
        this.infos = shards.infos();
        this.tensors = shards.tensors();
        this.parseTime = parseTime;
    }

    /**
     * Maps and checks a file, and the further files of a split model.
     *
     * @throws NoSuchFileException if there is no such file
     * @throws IOException if it cannot be read
     * @throws ModelFormatException if it is not a GGUF file or damaged; the message says where and what, or what the
     *     file seems to be
     * @throws dev.nibble.UnsupportedModelException if it is of another version, byte order, or holds tensors of a type
     *     that is unknown or was removed from ggml
     */
    @SuppressWarnings("MustBeClosedChecker") // the result closes the arena
    public static GgufFile open(Path file) throws IOException {
        long start = System.nanoTime();
        Arena arena = Arena.ofShared();
        try {
            Shards shards = Shards.open(file, arena);
            return new GgufFile(file, arena, shards, Duration.ofNanos(System.nanoTime() - start));
        } catch (IOException | RuntimeException | Error e) {
            arena.close();
            throw e;
        }
    }

    /** The path it was opened by. */
    @Override
    public String name() {
        return name;
    }

    /** The key-value pairs, of a split model those of its first file. */
    @Override
    public Metadata metadata() {
        return metadata;
    }

    @Override
    public Collection<Tensor> tensors() {
        return tensors.values();
    }

    @Override
    public Optional<Tensor> tensor(String tensorName) {
        return Optional.ofNullable(tensors.get(tensorName));
    }

    /** Where the tensors stand, in file order. */
    public Collection<GgufTensorInfo> tensorInfos() {
        return infos.values();
    }

    /** Version of the format: 2 or 3. */
    public int version() {
        return version;
    }

    /** What offsets of tensor data are a multiple of, in bytes. */
    public int alignment() {
        return alignment;
    }

    /** The files: one, or those of a split model in order. */
    public List<Path> files() {
        return files;
    }

    /** Bytes of all files. */
    public long fileSize() {
        return fileSize;
    }

    @Override
    public String stamp() {
        return stamp;
    }

    /** How long it took to map, parse and check the files. */
    public Duration parseTime() {
        return parseTime;
    }

    /** The type a value has in the file, or empty when the key is absent. */
    public Optional<GgufValueType> valueType(String key) {
        return Optional.ofNullable(entries.get(key)).map(GgufEntry::type);
    }

    /** The type an array's elements have in the file, or empty when the key is absent or no array. */
    public Optional<GgufValueType> elementType(String key) {
        return Optional.ofNullable(entries.get(key)).map(GgufEntry::elementType);
    }

    /** The metadata as they stand in the file, for copying. */
    Map<String, GgufEntry> entries() {
        return Collections.unmodifiableMap(entries);
    }

    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            arena.close();
        }
    }

    @Override
    public String toString() {
        return "GgufFile[" + name + ", " + tensors.size() + " tensors, " + fileSize + " bytes]";
    }
}
