package dev.nibble.gguf;

import dev.nibble.model.StringArray;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.Objects;

/**
 * The strings of a mapped array, found by a table of where each begins. Lengths were checked when the table was made.
 *
 * <pre>
 * data: [length u64 | bytes] [length u64 | bytes] ...
 *       ^ starts[0]          ^ starts[1]
 * </pre>
 */
final class MappedStringArray implements StringArray {
    private final MemorySegment data;
    private final int[] starts;

    /**
     * @param data the elements, without the array's type and count
     * @param starts offset of each element's length in {@code data}
     */
    MappedStringArray(MemorySegment data, int[] starts) {
        this.data = data;
        this.starts = starts;
    }

    @Override
    public int size() {
        return starts.length;
    }

    @Override
    public byte[] bytes(int index) {
        long start = starts[Objects.checkIndex(index, starts.length)];
        int length = (int) data.get(GgufCursor.LONG, start);
        return data.asSlice(start + Long.BYTES, length).toArray(ValueLayout.JAVA_BYTE);
    }

    @Override
    public String get(int index) {
        return new String(bytes(index), StandardCharsets.UTF_8);
    }

    /** The size and the first few strings. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder("[");
        for (int i = 0; i < Math.min(4, starts.length); i++) {
            text.append(i == 0 ? "" : ", ").append(get(i));
        }
        return text.append(starts.length > 4 ? ", ..." : "")
                .append("] (")
                .append(starts.length)
                .append(" strings)")
                .toString();
    }
}
