package dev.nibble.testdata;

import dev.nibble.gguf.GgufFile;
import dev.nibble.gguf.GgufValueType;
import dev.nibble.gguf.GgufWriter;
import dev.nibble.gguf.GgufWriter.TensorData;
import dev.nibble.tensor.DType;
import dev.nibble.tensor.Shape;
import dev.nibble.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** A model file and what is to be changed in it. What is written is well-formed GGUF, whatever it says. */
final class HostileModel {
    private static final List<String> EMBEDDINGS =
            List.of("bert", "nomic-bert", "gemma-embedding-dense", "qwen3-bidirectional");

    private final GgufFile base;
    private final GgufWriter writer = new GgufWriter();
    private final Map<String, Tensor> tensors = new LinkedHashMap<>();
    private final List<String> changes = new ArrayList<>();

    /** @param base stays open until this is written */
    HostileModel(GgufFile base) {
        this.base = base;
        writer.putAll(base, key -> true);
        base.tensors().forEach(tensor -> tensors.put(tensor.name(), tensor));
    }

    /** The models there are to change: the tiny ones, those in which tokens see later ones, and those for embeddings. */
    static List<String> names() {
        List<String> names = new ArrayList<>(TinyModels.names());
        names.addAll(TinyEncoders.names());
        names.addAll(EMBEDDINGS);
        return names;
    }

    /** Opens a model of a name; a tiny one is written to {@code folder}. */
    static GgufFile open(String name, Path folder) throws IOException {
        if (EMBEDDINGS.contains(name)) {
            return GgufFile.open(EmbeddingModelTest.file(name));
        }
        Path file = folder.resolve(name + ".gguf");
        if (TinyEncoders.names().contains(name)) {
            TinyEncoders.write(name, 1, file);
        } else {
            TinyModels.write(name, 1, file);
        }
        return GgufFile.open(file);
    }

    GgufFile base() {
        return base;
    }

    String architecture() {
        return base.metadata().requireString("general.architecture");
    }

    List<String> tensorNames() {
        return List.copyOf(tensors.keySet());
    }

    Tensor tensor(String name) {
        return Objects.requireNonNull(tensors.get(name), name);
    }

    /** The key with the architecture's name for {@code %s}. */
    private String key(String key) {
        return key.replace("%s", architecture());
    }

    HostileModel set(String key, long value) {
        return set(key, GgufValueType.INT64, value);
    }

    HostileModel set(String key, String value) {
        return set(key, GgufValueType.STRING, value);
    }

    HostileModel set(String key, double value) {
        return set(key, GgufValueType.FLOAT32, value);
    }

    HostileModel set(String key, GgufValueType type, Object value) {
        writer.put(key(key), type, value);
        String text = value.toString();
        return changed(key(key) + " = " + type + " " + (text.length() > 80 ? text.length() + " characters" : text));
    }

    HostileModel setArray(String key, GgufValueType type, List<?> values) {
        writer.putArray(key(key), type, values);
        return changed(key(key) + " = " + type + " "
                + (values.size() > 16 ? values.subList(0, 16) + " and on, " + values.size() : values));
    }

    HostileModel remove(String key) {
        writer.remove(key(key));
        return changed(key(key) + " removed");
    }

    HostileModel removeTensor(String name) {
        tensors.remove(name);
        return changed(name + " removed");
    }

    /** Puts a tensor with bytes of another one, repeated or cut, so that its values are as good as any. */
    HostileModel putTensor(String name, DType dtype, Shape shape, MemorySegment like) {
        byte[] bytes = new byte[Math.toIntExact(Math.multiplyExact(dtype.byteSize(shape.columns()), shape.rows()))];
        for (int at = 0; at < bytes.length && like.byteSize() > 0; ) {
            int count = (int) Math.min(bytes.length - at, like.byteSize());
            MemorySegment.copy(like, 0, MemorySegment.ofArray(bytes), at, count);
            at += count;
        }
        tensors.put(name, new Tensor(name, dtype, shape, MemorySegment.ofArray(bytes)));
        return changed(name + " = " + dtype + " " + shape);
    }

    /** Gives a tensor another shape. */
    HostileModel reshape(String name, long... dims) {
        Tensor old = tensor(name);
        return putTensor(name, old.dtype(), Shape.of(dims), old.data());
    }

    /** Gives a tensor another type. */
    HostileModel retype(String name, DType dtype) {
        Tensor old = tensor(name);
        return putTensor(name, dtype, old.shape(), old.data());
    }

    /** Sets all bytes of a tensor. */
    HostileModel fill(String name, int... pattern) {
        byte[] bytes = new byte[pattern.length];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) pattern[i];
        }
        Tensor old = tensor(name);
        return putTensor(name, old.dtype(), old.shape(), MemorySegment.ofArray(bytes))
                .changed(name + " filled with " + Arrays.toString(pattern));
    }

    private HostileModel changed(String what) {
        changes.add(what);
        return this;
    }

    void write(Path file) throws IOException {
        tensors.values()
                .forEach(tensor ->
                        writer.tensor(tensor.name(), tensor.dtype(), tensor.shape(), TensorData.of(tensor.data())));
        writer.write(file);
    }

    @Override
    public String toString() {
        return String.join(", ", changes);
    }
}
