package dev.nibble.generate;

import dev.nibble.model.Adapter;
import dev.nibble.model.MappedMemory;
import dev.nibble.model.ModelSource;
import dev.nibble.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.List;
import java.util.TreeMap;

/**
 * What tells a model from others: the names, types and shapes of its tensors, and the bytes at the beginning of each. Which file it is
 * in, and metadata that may be corrected, do not matter.
 */
public final class ModelFingerprint {
    /** Of a fingerprint. */
    static final int BYTES = 32;

    private static final int SAMPLE = 256;

    private ModelFingerprint() {}

    /**
     * That of an open model with some of its adapters.
     *
     * @param scales of the adapters, 0 for one that does not count
     * @throws dev.nibble.ModelFormatException if its file cannot be read any more
     */
    public static byte[] of(ModelSource source, List<Adapter> adapters, float[] scales) {
        return MappedMemory.read(source.name(), () -> digest(source, adapters, scales));
    }

    private static byte[] digest(ModelSource source, List<Adapter> adapters, float[] scales) {
        MessageDigest digest;
        try {
            digest = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
        source.tensors().forEach(tensor -> add(digest, tensor));
        for (int i = 0; i < scales.length; i++) {
            if (scales[i] != 0) {
                digest.update(("adapter " + scales[i] + '\n').getBytes(StandardCharsets.UTF_8));
                new TreeMap<>(adapters.get(i).weights()).values().forEach(weight -> {
                    add(digest, weight.a());
                    add(digest, weight.b());
                });
            }
        }
        return digest.digest();
    }

    private static void add(MessageDigest digest, Tensor tensor) {
        String head = tensor.name() + '\n' + tensor.dtype() + '\n' + tensor.shape() + '\n';
        digest.update(head.getBytes(StandardCharsets.UTF_8));
        MemorySegment data = tensor.data();
        digest.update(data.asSlice(0, Math.min(SAMPLE, data.byteSize())).asByteBuffer());
    }
}
