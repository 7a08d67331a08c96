package dev.nibble.cpu;

import dev.nibble.ModelFormatException;
import dev.nibble.cpu.RepackFile.WeightKey;
import dev.nibble.memory.NativeMemory;
import dev.nibble.model.ModelSource;
import dev.nibble.tensor.Tensor;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Keeps the rearranged weights of a model in a file of a directory, see {@link RepackFile}.
 *
 * <p>The file's name comes from the names, types and shapes of the model's tensors, some of their bytes, and the layout of
 * the copies; size and time of the model file are compared with those in it. So neither another model, nor another path
 * to the same one, nor a file that changed is mistaken. Whatever goes wrong with the file, the model is loaded without.
 */
final class RepackCache implements RepackMemory, AutoCloseable {
    private static final System.Logger LOG = System.getLogger("dev.nibble.cpu");

    /** Parts of a tensor's data that go into a digest, and their bytes. */
    private static final int SAMPLES = 4;

    private static final int SAMPLE_BYTES = 64;

    /** Digits of a digest in the file's name. */
    private static final int HASH_DIGITS = 32;

    private final ModelSource source;
    private final String layout;
    private final Path directory;
    private final NativeMemory memory;
    private final Map<WeightKey, Integer> asked = new HashMap<>();
    private final IdentityHashMap<Tensor, WeightKey> keys = new IdentityHashMap<>();
    private final Map<WeightKey, MemorySegment> copies = new LinkedHashMap<>();
    private @Nullable Path file; // from the first question on
    private @Nullable WeightKey identity;
    private @Nullable RepackFile mapped;
    private long mappedBytes;
    private boolean changed;

    /**
     * @param layout of the copies
     * @param memory holds those that are not in the file
     */
    RepackCache(Path directory, ModelSource source, String layout, NativeMemory memory) {
        this.directory = directory;
        this.source = source;
        this.layout = layout;
        this.memory = memory;
    }

    @Override
    public MemorySegment allocate(long bytes) {
        return memory.allocate(bytes);
    }

    @Override
    public @Nullable MemorySegment find(Tensor weight, long bytes) {
        if (file == null) {
            open();
        }
        Digest digest = new Digest();
        digest.add(weight);
        WeightKey first = digest.key();
        // parts of one tensor may look the same
        digest.add(String.valueOf(asked.merge(first, 1, Integer::sum)));
        digest.add(first.digest());
        WeightKey key = digest.key();
        keys.put(weight, key);
        MemorySegment copy = copies.get(key);
        if (copy == null || (copy.byteSize() != 0 && copy.byteSize() != bytes)) {
            return null;
        }
        mappedBytes += copy.byteSize();
        return copy;
    }

    @Override
    public void made(Tensor weight, MemorySegment copy) {
        copies.put(keys.get(weight), copy);
        changed = true;
    }

    /** Bytes of the copies that were found. */
    long mappedBytes() {
        return mappedBytes;
    }

    /**
     * To be called before copies are read.
     *
     * @throws ModelFormatException if the file was cut short
     */
    void check() {
        if (mapped != null && !mapped.isWhole()) {
            throw new ModelFormatException(
                    file + ": this file of rearranged weights was cut short while in use. Close the model and load it"
                            + " again");
        }
    }

    /** Closes the file; the copies are freed with their memory. */
    @Override
    public void close() {
        if (mapped != null) {
            mapped.close();
        }
    }

    private void open() {
        Digest digest = new Digest();
        digest.add(layout);
        source.tensors().forEach(digest::add);
        WeightKey contents = digest.key();
        Path found = directory.resolve(contents.digest().substring(0, HASH_DIGITS) + ".nibble");
        file = found;
        digest.add(contents.digest());
        digest.add(source.stamp());
        WeightKey state = digest.key();
        identity = state;
        try {
            RepackFile opened = RepackFile.open(found, state, memory.arena());
            mapped = opened;
            copies.putAll(opened.copies());
            LOG.log(System.Logger.Level.DEBUG, "{0}: rearranged weights are mapped from here", found);
        } catch (FileNotFoundException e) {
            LOG.log(System.Logger.Level.DEBUG, "rearranged weights are made for the first time: {0}", e.getMessage());
        } catch (IOException e) {
            LOG.log(System.Logger.Level.DEBUG, "{0}: rearranged weights are made anew: {1}", found, e.getMessage());
        }
    }

    /** Writes the file, if it lacks a copy. */
    void save() {
        Path target = file;
        WeightKey state = identity;
        if (!changed || target == null || state == null) {
            return;
        }
        changed = false;
        try {
            RepackFile.write(target, state, copies);
        } catch (IOException | RuntimeException e) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "{0}: the rearranged weights could not be kept, the next load makes them again: {1}",
                    target,
                    e);
        }
    }

    /** Digests strings and tensors, one after the other. */
    private static final class Digest {
        private final MessageDigest sha256;

        Digest() {
            try {
                sha256 = MessageDigest.getInstance("SHA-256");
            } catch (NoSuchAlgorithmException e) {
                throw new IllegalStateException("every Java has SHA-256", e);
            }
        }

        void add(String text) {
            sha256.update(text.getBytes(StandardCharsets.UTF_8));
            sha256.update((byte) 0);
        }

        /** What a tensor is, and some of its bytes. */
        void add(Tensor tensor) {
            add(tensor.name());
            add(tensor.dtype() + " " + tensor.shape());
            long bytes = tensor.data().byteSize();
            byte[] sample = new byte[(int) Math.min(SAMPLE_BYTES, bytes)];
            for (int i = 0; i < SAMPLES; i++) {
                long at = (bytes - sample.length) * i / (SAMPLES - 1);
                MemorySegment.copy(tensor.data(), ValueLayout.JAVA_BYTE, at, sample, 0, sample.length);
                sha256.update(sample);
            }
        }

        /** The digest so far; begins a new one. */
        WeightKey key() {
            return new WeightKey(HexFormat.of().formatHex(sha256.digest()));
        }
    }
}
