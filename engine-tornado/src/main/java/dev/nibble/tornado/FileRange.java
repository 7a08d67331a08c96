package dev.nibble.tornado;

import dev.nibble.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import uk.ac.manchester.tornado.api.types.arrays.ByteArray;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/**
 * A stretch of a file that becomes an array as it is, without a copy on the host.
 *
 * @param file the file
 * @param start offset of its first byte
 * @param end offset after its last
 */
record FileRange(Path file, long start, long end) {
    private static final System.Logger LOG = System.getLogger("dev.nibble.tornado");

    /** Bytes that nobody asked for and that may lie between two tensors of a range: norms, which go up elsewhere. */
    static final long GAP = 1 << 20;

    /**
     * Ranges that hold as many groups as possible, each as a whole in one of them. A group that is spread over several
     * files, or over distant places of one, is in none.
     *
     * @param groups tensors that have to lie in one array
     * @param limit bytes of a range at most
     */
    static List<FileRange> cover(List<List<Tensor>> groups, long limit) {
        List<FileRange> extents = groups.stream()
                .map(FileRange::extent)
                .filter(Objects::nonNull)
                .filter(extent -> extent.size() <= limit)
                .sorted(Comparator.comparing(FileRange::file).thenComparingLong(FileRange::start))
                .toList();
        List<FileRange> ranges = new ArrayList<>();
        for (FileRange extent : extents) {
            FileRange joined = ranges.isEmpty() ? null : ranges.getLast().with(extent);
            if (joined != null && joined.size() <= limit) {
                ranges.set(ranges.size() - 1, joined);
            } else {
                ranges.add(extent);
            }
        }
        return ranges;
    }

    /** From the first to the last byte of tensors, or null if they do not lie together in a file. */
    private static @Nullable FileRange extent(List<Tensor> group) {
        FileRange extent = null;
        List<FileRange> parts = new ArrayList<>();
        for (Tensor tensor : group) {
            Tensor.Place place = tensor.place();
            if (place == null) {
                return null;
            }
            long start = place.offset() / WeightStore.ALIGNMENT * WeightStore.ALIGNMENT;
            parts.add(new FileRange(
                    place.file(), start, place.offset() + tensor.data().byteSize()));
        }
        parts.sort(Comparator.comparingLong(FileRange::start));
        for (FileRange part : parts) {
            extent = extent == null ? part : extent.with(part);
            if (extent == null) {
                return null;
            }
        }
        return extent == null || extent.start < TornadoNativeArray.ARRAY_HEADER ? null : extent;
    }

    /** This and one that starts no earlier, or null if they lie far apart. */
    private @Nullable FileRange with(FileRange next) {
        return file.equals(next.file) && next.start <= end + GAP
                ? new FileRange(file, start, Math.max(end, next.end))
                : null;
    }

    long size() {
        return end - start;
    }

    /** Whether the tensors all lie in it. */
    boolean holds(List<Tensor> group) {
        for (Tensor tensor : group) {
            Tensor.Place place = tensor.place();
            if (place == null
                    || !place.file().equals(file)
                    || place.offset() < start
                    || place.offset() + tensor.data().byteSize() > end) {
                return false;
            }
        }
        return true;
    }

    /**
     * Maps it as an array. TornadoVM writes a header before the data, so that the mapping starts earlier and is private:
     * what is written never reaches the file. Such a mapping needs a file that may be opened for writing all the same.
     *
     * @return the array, valid as long as {@code arena}, or null if the file cannot be mapped so, which is logged
     */
    @Nullable ByteArray map(Arena arena) {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            // One cut short since it was opened would be extended; whoever reads it says what is wrong.
            if (channel.size() < end) {
                return null;
            }
            long from = start - TornadoNativeArray.ARRAY_HEADER;
            return ByteArray.fromSegmentShallow(channel.map(FileChannel.MapMode.PRIVATE, from, end - from, arena));
        } catch (IOException e) {
            LOG.log(
                    System.Logger.Level.INFO,
                    "{0} cannot be mapped for TornadoVM, its weights are copied: {1}",
                    file,
                    e.toString());
            return null;
        }
    }
}
