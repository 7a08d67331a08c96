package dev.nibble.gguf;

import dev.nibble.ModelFormatException;
import dev.nibble.model.MappedMemory;
import dev.nibble.model.Metadata;
import dev.nibble.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * The files of a model, usually one, mapped and parsed.
 *
 * <p>In a split model every file has {@code split.no} (from 0) and {@code split.count}; the first has all other metadata
 * and {@code split.tensors.count}, the number of tensors in all files together.
 */
final class Shards {
    static final String NUMBER_KEY = "split.no";
    static final String COUNT_KEY = "split.count";
    static final String TENSOR_COUNT_KEY = "split.tensors.count";

    private final Arena arena;
    private final GgufParser.Contents first;
    private final List<Path> files = new ArrayList<>();
    private final Map<String, GgufTensorInfo> infos = new LinkedHashMap<>();
    private final Map<String, Tensor> tensors = new LinkedHashMap<>();
    private final StringBuilder stamp = new StringBuilder();
    private long fileSize;

    private Shards(Path file, Arena arena) throws IOException {
        this.arena = arena;
        this.first = add(file);
    }

    static Shards open(Path file, Arena arena) throws IOException {
        Shards shards = new Shards(file, arena);
        Metadata metadata = new Metadata(file.toString(), shards.first.values());
        int count = metadata.optionalInt(COUNT_KEY, 1);
        if (count > 1) {
            shards.addOthers(file, metadata, count);
        }
        return shards;
    }

    /** What the first file holds. */
    GgufParser.Contents first() {
        return first;
    }

    /** Bytes of all files. */
    long fileSize() {
        return fileSize;
    }

    /** Sizes and times of the last change, from before the files were read. */
    String stamp() {
        return stamp.toString();
    }

    List<Path> files() {
        return List.copyOf(files);
    }

    Map<String, GgufTensorInfo> infos() {
        return Collections.unmodifiableMap(infos);
    }

    Map<String, Tensor> tensors() {
        return Collections.unmodifiableMap(tensors);
    }

    private void addOthers(Path file, Metadata metadata, int count) throws IOException {
        Path fileName = file.getFileName();
        SplitName splitName = SplitName.parse(fileName == null ? "" : fileName.toString());
        int number = metadata.requireInt(NUMBER_KEY);
        if (number != 0) {
            String firstName = splitName == null
                    ? "the first one"
                    : splitName.withNumber(1).toString();
            throw metadata.failure(
                    NUMBER_KEY, "this is file " + (number + 1L) + " of a split model; open " + firstName + " instead");
        }
        if (isJoined(file)) {
            throw metadata.failure(
                    COUNT_KEY,
                    "this is the first of " + count + " files of a split model with another appended, and joined like that"
                            + " they are no model; keep the files apart, with their original names, in one folder and"
                            + " open the first, or join them with llama-gguf-split --merge");
        }
        if (splitName == null || splitName.number() != 1 || splitName.count() != count) {
            throw metadata.failure(
                    COUNT_KEY,
                    "the model is split into " + count + " files, so this one's name has to end in '"
                            + new SplitName("", 1, count) + "'; give all files their original names");
        }
        for (int i = 1; i < count; i++) {
            Path path = splitName.withNumber(i + 1).beside(file);
            GgufParser.Contents shard = addShard(path, i + 1, count);
            Metadata shardMetadata = new Metadata(path.toString(), shard.values());
            expect(shardMetadata, NUMBER_KEY, i);
            expect(shardMetadata, COUNT_KEY, count);
        }
        int total = metadata.optionalInt(TENSOR_COUNT_KEY, tensors.size());
        if (total != tensors.size()) {
            throw metadata.failure(
                    TENSOR_COUNT_KEY,
                    "expected " + total + " tensors in the " + count + " files together, found " + tensors.size()
                            + "; the files do not belong together, download them again");
        }
    }

    /** Whether another GGUF file begins where the first one's tensors end. */
    private boolean isJoined(Path file) throws IOException {
        long end = first.dataStart();
        for (GgufParser.Place place : first.tensors().values()) {
            end = Math.max(end, first.dataStart() + place.offset() + place.byteSize());
        }
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            ByteBuffer magic = ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
            for (long at : new long[] {end, GgufParser.align(end, first.alignment())}) {
                magic.clear();
                if (channel.read(magic, at) == Integer.BYTES && magic.getInt(0) == GgufParser.MAGIC) {
                    return true;
                }
            }
        }
        return false;
    }

    private GgufParser.Contents addShard(Path path, int number, int count) throws IOException {
        try {
            return add(path);
        } catch (NoSuchFileException e) {
            throw new ModelFormatException(
                    path + ": file " + number + " of " + count
                            + " of a split model is missing; download it into the same folder",
                    e);
        }
    }

    private static void expect(Metadata metadata, String key, int expected) {
        int found = metadata.requireInt(key);
        if (found != expected) {
            throw metadata.failure(
                    key,
                    "expected " + expected + ", found " + found
                            + "; the files of this split model do not belong together, download them again");
        }
    }

    private GgufParser.Contents add(Path file) throws IOException {
        MemorySegment data = map(file);
        return MappedMemory.read(file.toString(), () -> add(file, data));
    }

    private GgufParser.Contents add(Path file, MemorySegment data) {
        GgufParser.Contents contents = GgufParser.parse(file.toString(), data);
        for (Map.Entry<String, GgufParser.Place> entry : contents.tensors().entrySet()) {
            String name = entry.getKey();
            GgufParser.Place place = entry.getValue();
            long offset = contents.dataStart() + place.offset();
            if (tensors.containsKey(name)) {
                throw new ModelFormatException(file + ": tensor '" + name
                        + "' is in an earlier file of this split model too; the files do not belong together, download"
                        + " them again");
            }
            MemorySegment bytes = data.asSlice(offset, place.byteSize());
            tensors.put(name, new Tensor(name, place.dtype(), place.shape(), bytes, new Tensor.Place(file, offset)));
            infos.put(name, new GgufTensorInfo(name, place.dtype(), place.shape(), file, offset, place.byteSize()));
        }
        files.add(file);
        fileSize += data.byteSize();
        return contents;
    }

    private MemorySegment map(Path file) throws IOException {
        if (!Files.exists(file)) {
            throw new NoSuchFileException(file.toString());
        }
        // Asked before it is opened: opening a pipe would wait for its writer.
        if (!Files.isRegularFile(file)) {
            throw new ModelFormatException(file
                    + (Files.isDirectory(file)
                            ? ": this is a directory; pass the path of a model file in it"
                            : ": this is not a regular file; pass the path of a model file"));
        }
        long changed = Files.getLastModifiedTime(file).to(TimeUnit.NANOSECONDS);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            long size = channel.size();
            stamp.append(size).append(" bytes at ").append(changed).append(";");
            if (size == 0) {
                throw new ModelFormatException(file + ": the file is empty; download it again");
            }
            return channel.map(FileChannel.MapMode.READ_ONLY, 0, size, arena);
        }
    }
}
