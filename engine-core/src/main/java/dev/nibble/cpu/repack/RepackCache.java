package dev.nibble.cpu.repack;

import dev.nibble.cpu.pool.WorkerPool;
import dev.nibble.cpu.repack.RepackFile.UnusableException;
import dev.nibble.cpu.repack.RepackFile.WeightKey;
import dev.nibble.memory.NativeMemory;
import dev.nibble.model.ModelSource;
import dev.nibble.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.ClosedChannelException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * Keeps the rearranged weights of a model in a file of a directory, see {@link RepackFile}. Kernels get them in memory of this
 * process, read from the file or made.
 *
 * <p>The file's name comes from the names, types and shapes of the model's tensors, some of their bytes, and the layout of
 * the copies; size and time of the model file are compared with those in it. So neither another model, nor another path
 * to the same one, nor a file that changed is mistaken. Whatever goes wrong with the file, the model is loaded without, and what
 * is wrong with it is made anew.
 */
public final class RepackCache implements RepackMemory, AutoCloseable {
    /** Of the file's name. */
    static final String SUFFIX = ".nibble";

    private static final System.Logger LOG = System.getLogger("dev.nibble.cpu");

    /** Parts of a tensor's data that go into a digest, and their bytes. */
    private static final int SAMPLES = 4;

    private static final int SAMPLE_BYTES = 64;

    /** Digits of a digest in the file's name. */
    private static final int HASH_DIGITS = 32;

    private final NativeMemory memory;
    private final WorkerPool pool;
    private final Path file;
    private final WeightKey identity;
    private final Map<WeightKey, Integer> asked = new HashMap<>();
    private final Map<WeightKey, MemorySegment> copies = new LinkedHashMap<>();
    private @Nullable RepackFile opened; // where there is a file that is of use
    private boolean isAsked;
    private boolean isChanged;
    private boolean isReported;

    /**
     * @param layout of the copies
     * @param memory holds them
     * @param pool reads them
     */
    public RepackCache(Path directory, ModelSource source, String layout, NativeMemory memory, WorkerPool pool) {
        this.memory = memory;
        this.pool = pool;
        Digest digest = new Digest();
        digest.add(layout);
        source.tensors().forEach(digest::add);
        WeightKey contents = digest.key();
        file = directory.resolve(contents.digest().substring(0, HASH_DIGITS) + SUFFIX);
        digest.add(contents.digest());
        digest.add(source.stamp());
        identity = digest.key();
    }

    @Override
    public MemorySegment allocate(long bytes) {
        return memory.allocate(bytes);
    }

    @Override
    public MemorySegment copy(Tensor weight, String form, long bytes, Filler filler) {
        if (!isAsked) {
            isAsked = true;
            open();
        }
        WeightKey key = key(weight, form);
        OptionalLong known = opened == null ? OptionalLong.empty() : opened.bytes(key);
        MemorySegment copy = NONE;
        if (known.isEmpty() || known.getAsLong() != 0) {
            copy = memory.allocate(bytes);
            if (known.isEmpty() || known.getAsLong() != bytes || !read(key, copy)) {
                copy = filler.fill(copy) ? copy : NONE;
                isChanged = true;
            }
        }
        copies.put(key, copy);
        return copy;
    }

    private WeightKey key(Tensor weight, String form) {
        Digest digest = new Digest();
        digest.add(form);
        digest.add(weight);
        WeightKey first = digest.key();
        // parts of one tensor may look the same
        digest.add(String.valueOf(asked.merge(first, 1, Integer::sum)));
        digest.add(first.digest());
        return digest.key();
    }

    private void open() {
        try {
            opened = RepackFile.open(file, identity);
            LOG.log(System.Logger.Level.INFO, "{0}: rearranged weights are read from here", file);
        } catch (NoSuchFileException e) {
            LOG.log(System.Logger.Level.INFO, "{0}: rearranged weights are made for the first time", file);
        } catch (IOException e) {
            report(e);
        }
    }

    private boolean read(WeightKey key, MemorySegment copy) {
        try {
            if (opened != null) {
                opened.read(key, copy, pool);
                return true;
            }
        } catch (IOException e) {
            report(e);
        }
        return false;
    }

    /** Says once what is wrong with the file. */
    private void report(IOException e) {
        if (isReported) {
            return;
        }
        isReported = true;
        boolean isExpected = e instanceof UnusableException unusable && !unusable.isDamage();
        LOG.log(
                isExpected ? System.Logger.Level.INFO : System.Logger.Level.WARNING,
                "{0}: rearranged weights are made anew: {1}",
                file,
                reason(e));
    }

    /** What went wrong, without the file's name and the names of classes where the system says more. */
    private static String reason(IOException e) {
        if (e instanceof ClosedChannelException) {
            return "the thread was interrupted"; // that closes what it reads or writes
        }
        if (e instanceof FileSystemException failed && failed.getReason() != null) {
            return failed.getReason();
        }
        return switch (e) {
            case AccessDeniedException denied -> denied.getFile() + " may not be read or written";
            case FileAlreadyExistsException there -> there.getFile() + " is not a directory";
            case FileSystemException other -> other.toString();
            default -> e.getMessage() == null ? e.toString() : e.getMessage();
        };
    }

    /** To be called when all copies are made: writes the file, if it lacks one of them, and closes it. */
    public void save() {
        close(); // else some systems do not let it be replaced
        if (!isChanged) {
            return;
        }
        isChanged = false;
        try {
            RepackFileWriter.write(file, identity, copies);
        } catch (IOException e) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "{0}: the rearranged weights could not be kept, the next load makes them again: {1}",
                    file,
                    reason(e));
        }
    }

    /** Closes the file; the copies are freed with their memory. */
    @Override
    public void close() {
        if (opened != null) {
            opened.close();
            opened = null;
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
