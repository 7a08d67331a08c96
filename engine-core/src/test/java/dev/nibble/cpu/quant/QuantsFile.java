package dev.nibble.cpu.quant;

import dev.nibble.tensor.DType;
import dev.nibble.tensor.Shape;
import dev.nibble.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The least of a GGUF reader that reads a sound file of tensors: this module cannot depend on the real one. */
final class QuantsFile {
    private static final int STRING = 8;
    private static final int ARRAY = 9;
    private static final int[] SIZES = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};

    private QuantsFile() {}

    static Map<String, Tensor> read(Path file) throws IOException {
        ByteBuffer in = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
        if (in.getInt() != 0x46554747 || in.getInt() != 3) {
            throw new IOException(file + " is not a GGUF file of version 3");
        }
        long tensors = in.getLong();
        long values = in.getLong();
        for (long i = 0; i < values; i++) {
            string(in);
            skip(in, in.getInt());
        }
        List<Entry> entries = new ArrayList<>();
        for (long i = 0; i < tensors; i++) {
            String name = string(in);
            long[] dims = new long[in.getInt()];
            for (int d = 0; d < dims.length; d++) {
                dims[d] = in.getLong();
            }
            DType dtype = DType.ofId(in.getInt()).orElseThrow();
            entries.add(new Entry(name, dtype, Shape.of(dims), in.getLong()));
        }
        long start = (in.position() + 31L) / 32 * 32;
        MemorySegment all = MemorySegment.ofBuffer(in.rewind());
        Map<String, Tensor> result = new LinkedHashMap<>();
        for (Entry entry : entries) {
            long size = entry.dtype.byteSize(entry.shape.elements());
            MemorySegment data = all.asSlice(start + entry.offset, size);
            result.put(entry.name, new Tensor(entry.name, entry.dtype, entry.shape, data));
        }
        return result;
    }

    private record Entry(String name, DType dtype, Shape shape, long offset) {}

    private static String string(ByteBuffer in) {
        byte[] bytes = new byte[(int) in.getLong()];
        in.get(bytes);
        return new String(bytes, StandardCharsets.UTF_8);
    }

    private static void skip(ByteBuffer in, int type) {
        if (type == STRING) {
            string(in);
        } else if (type == ARRAY) {
            int element = in.getInt();
            long count = in.getLong();
            for (long i = 0; i < count; i++) {
                skip(in, element);
            }
        } else {
            in.position(in.position() + SIZES[type]);
        }
    }
}
