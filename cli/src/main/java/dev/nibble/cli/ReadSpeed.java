package dev.nibble.cli;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** How fast the processors together read a file that the system holds in memory: what generation can be at best. */
final class ReadSpeed {
    private static final long MOST_BYTES = 1L << 30;

    /** The first ones map the pages, and the JVM compiles the loop. */
    private static final int WARM_UP_PASSES = 3;

    private static final int PASSES = 8;

    /** Of each line a value is read: memory delivers whole ones. */
    private static final long LINE = 64;

    private static final long STEP = 4 * LINE;

    /** Written so that the reading is not left out. */
    @SuppressWarnings("UnusedVariable")
    private static long sum;

    private ReadSpeed() {}

    /** Bytes a second in the fastest of a few passes over the file, or its first GiB; 0 for a file below 256 bytes. */
    static double of(Path file) throws IOException {
        int threads = Runtime.getRuntime().availableProcessors();
        try (FileChannel channel = FileChannel.open(file);
                Arena arena = Arena.ofShared();
                ExecutorService pool = Executors.newFixedThreadPool(threads)) {
            long share = Math.min(channel.size(), MOST_BYTES) / threads / STEP * STEP;
            MemorySegment data = channel.map(FileChannel.MapMode.READ_ONLY, 0, share * threads, arena);
            List<Callable<Long>> parts = new ArrayList<>();
            for (int i = 0; i < threads; i++) {
                MemorySegment part = data.asSlice(i * share, share);
                parts.add(() -> read(part));
            }
            long fastest = Long.MAX_VALUE;
            for (int pass = 0; pass < WARM_UP_PASSES + PASSES; pass++) {
                long start = System.nanoTime();
                for (Future<Long> part : pool.invokeAll(parts)) {
                    sum += part.get();
                }
                if (pass >= WARM_UP_PASSES) {
                    fastest = Math.min(fastest, System.nanoTime() - start);
                }
            }
            return share * threads * 1e9 / fastest;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while reading " + file, e);
        } catch (ExecutionException e) {
            throw new IOException("cannot read " + file + ": " + e.getCause(), e);
        }
    }

    private static long read(MemorySegment part) {
        long a = 0;
        long b = 0;
        long c = 0;
        long d = 0;
        for (long at = 0; at < part.byteSize(); at += STEP) {
            a += part.get(ValueLayout.JAVA_LONG_UNALIGNED, at);
            b += part.get(ValueLayout.JAVA_LONG_UNALIGNED, at + LINE);
            c += part.get(ValueLayout.JAVA_LONG_UNALIGNED, at + 2 * LINE);
            d += part.get(ValueLayout.JAVA_LONG_UNALIGNED, at + 3 * LINE);
        }
        return a + b + c + d;
    }
}
