package dev.nibble.cpu.pool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import dev.nibble.LoadOptions;
import dev.nibble.cpu.kernel.Linear;
import dev.nibble.cpu.kernel.MatmulInput;
import dev.nibble.cpu.kernel.MatmulKernel;
import dev.nibble.cpu.repack.RepackMemory;
import dev.nibble.cpu.scalar.ScalarKernelFamily;
import dev.nibble.tensor.DType;
import dev.nibble.tensor.Shape;
import dev.nibble.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whatever is thrown, and wherever: a loop ends with no worker inside, and the threads are there for the next. */
@Timeout(120)
class WorkerPoolFailureTest {
    private static final int ITEMS = 64;

    /** A pool, and what is known of its threads. */
    private static final class Watched implements AutoCloseable {
        final WorkerPool pool;
        final AtomicInteger inside = new AtomicInteger();
        private final AtomicReferenceArray<Thread> threads;

        Watched(int count) {
            pool = new WorkerPool(count);
            threads = new AtomicReferenceArray<>(count);
            checkThreads();
        }

        /** Runs a loop; what it throws, or null. */
        Throwable run(WorkerPool.Job job) {
            Throwable thrown = catchThrowable(() -> pool.forEach(ITEMS, 1, (worker, from, to) -> {
                inside.incrementAndGet();
                try {
                    job.run(worker, from, to);
                } finally {
                    inside.decrementAndGet();
                }
            }));
            assertThat(inside.get()).as("threads that were left inside").isZero();
            return thrown;
        }

        /** All threads take part in a loop, and the workers are the same as ever. */
        void checkThreads() {
            CountDownLatch all = new CountDownLatch(pool.threads());
            pool.forEach(pool.threads(), 1, (worker, from, to) -> {
                Thread before = threads.getAndSet(worker, Thread.currentThread());
                assertThat(worker > 0 && before != null && before != Thread.currentThread())
                        .as("another thread has index %d", worker)
                        .isFalse();
                all.countDown();
                try {
                    assertThat(all.await(60, TimeUnit.SECONDS))
                            .as("all threads take part")
                            .isTrue();
                } catch (InterruptedException e) {
                    throw new AssertionError(e);
                }
            });
            for (int i = 1; i < pool.threads(); i++) {
                assertThat(threads.get(i).isAlive()).isTrue();
            }
        }

        @Override
        public void close() {
            pool.close();
        }
    }

    private static void throwSome(int kind) {
        switch (kind) {
            case 0 -> throw new InternalError("injected");
            case 1 -> throw new OutOfMemoryError("injected");
            case 2 -> throw new IllegalStateException("injected");
            default -> overflow(0);
        }
    }

    @SuppressWarnings("InfiniteRecursion")
    private static int overflow(int depth) {
        return overflow(depth + 1) + depth;
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3, 5})
    void errorsAtRandomPlacesEndTheLoopAndNothingElse(int threads) {
        SplittableRandom random = new SplittableRandom(threads);
        try (Watched watched = new Watched(threads)) {
            for (int round = 0; round < 2000; round++) {
                int count = random.nextInt(1, 4);
                int kind = round % 20 == 0 ? 3 : random.nextInt(3);
                int first = random.nextInt(ITEMS);
                Throwable thrown = watched.run((worker, from, to) -> {
                    if (from % ITEMS >= first && from < first + count) {
                        throwSome(kind);
                    }
                });
                assertThat(thrown)
                        .isInstanceOfAny(
                                InternalError.class,
                                OutOfMemoryError.class,
                                IllegalStateException.class,
                                StackOverflowError.class);
                AtomicInteger sum = new AtomicInteger();
                assertThat(watched.run((worker, from, to) -> sum.addAndGet(to - from)))
                        .isNull();
                assertThat(sum.get()).isEqualTo(ITEMS);
            }
            watched.checkThreads();
        }
    }

    /** The caller's part fails at once, while workers are busy. */
    @Test
    void theCallerStaysUntilWorkersHaveLeft() {
        try (Watched watched = new Watched(3)) {
            for (int round = 0; round < 300; round++) {
                CountDownLatch busy = new CountDownLatch(1);
                Throwable thrown = watched.run((worker, from, to) -> {
                    if (worker == 0) {
                        await(busy);
                        throw new InternalError("of the caller");
                    }
                    busy.countDown();
                    long end = System.nanoTime() + 200_000;
                    while (System.nanoTime() < end) {
                        Thread.onSpinWait();
                    }
                });
                assertThat(thrown).isInstanceOf(InternalError.class).hasMessage("of the caller");
            }
            watched.checkThreads();
        }
    }

    private static void await(CountDownLatch latch) {
        try {
            assertThat(latch.await(60, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /**
     * The virtual machine raises the error of a fault on mapped memory at some later point of the thread, in the job or behind it.
     */
    @ParameterizedTest
    @ValueSource(ints = {2, 3, 5})
    void faultsOfMappedMemoryEndTheLoopAndNothingElse(int threads, @TempDir Path folder) throws IOException {
        assumeFalse(System.getProperty("os.name").startsWith("Windows"), "Windows does not shorten a mapped file");
        Path file = Files.write(folder.resolve("mapped"), new byte[1 << 20]);
        SplittableRandom random = new SplittableRandom(threads);
        try (Watched watched = new Watched(threads);
                Arena arena = Arena.ofShared();
                FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            MemorySegment mapped = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
            channel.truncate(0);
            int[] sums = new int[threads * 64];
            int faults = 0;
            for (int round = 0; round < 3000; round++) {
                int where = random.nextInt(ITEMS);
                int what = random.nextInt(4);
                Throwable thrown = watched.run((worker, from, to) -> {
                    if (what == 0 || from == where) { // all threads, or one
                        sums[worker * 64] += mapped.get(ValueLayout.JAVA_BYTE, (long) from << 12);
                    }
                    if (what == 1 && from == where) { // another exception while the error is still to come
                        throw new IllegalStateException("injected");
                    }
                });
                if (thrown != null) {
                    assertThat(thrown).isInstanceOfAny(InternalError.class, IllegalStateException.class);
                    faults++;
                }
            }
            assertThat(faults).isGreaterThan(2900);
            Throwable late = catchThrowable(() -> watched.run((worker, from, to) -> {}));
            assertThat(late == null || late instanceof InternalError).isTrue();
            watched.checkThreads();
        }
    }

    /** Threads that wait, for work or for each other, do not touch what would be read next there. */
    @Test
    void threadsThatWaitDoNotFault(@TempDir Path folder) throws IOException {
        assumeFalse(System.getProperty("os.name").startsWith("Windows"), "Windows does not shorten a mapped file");
        Path file = Files.write(folder.resolve("mapped"), new byte[1 << 20]);
        try (Watched watched = new Watched(3);
                Arena arena = Arena.ofShared();
                FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            MemorySegment mapped = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
            channel.truncate(0);
            Tensor weight = new Tensor("weight", DType.F32, Shape.of(256, 1024), mapped);
            MatmulKernel kernel =
                    new ScalarKernelFamily().kernel(weight, LoadOptions.EXACT, RepackMemory.of(arena), watched.pool);
            ReadAhead.Loop first = new Linear(kernel, null, 1).loop(new MatmulInput(1, 256));
            ReadAhead.Loop second = new Linear(kernel, null, 1).loop(new MatmulInput(1, 256));
            for (int round = 0; round < 20_000; round++) {
                AtomicInteger sum = new AtomicInteger();
                watched.pool.forEachShrinking(
                        ITEMS,
                        4,
                        (worker, from, to) -> {
                            if (from % 32 == 0) { // while others wait
                                long end = System.nanoTime() + 2_000;
                                while (System.nanoTime() < end) {
                                    Thread.onSpinWait();
                                }
                            }
                            sum.addAndGet(to - from);
                        },
                        round % 2 == 0 ? first : second);
                assertThat(sum.get()).isEqualTo(ITEMS);
            }
            watched.checkThreads();
        }
    }

    /** Calls from ever deeper in the stack, until none goes through. */
    @Test
    void aCallerWithoutStackLeavesThePoolUsable() throws InterruptedException {
        try (Watched watched = new Watched(3)) {
            for (int round = 0; round < 40; round++) {
                AtomicInteger overflows = new AtomicInteger();
                AtomicInteger left = new AtomicInteger();
                Thread caller = new Thread(null, () -> dive(watched, overflows, left), "diver", 256 << 10);
                caller.start();
                caller.join();
                assertThat(overflows.get()).isPositive();
                assertThat(left.get()).as("threads left inside").isZero();
                watched.checkThreads();
            }
        }
    }

    @SuppressWarnings("InfiniteRecursion") // until the stack overflows, which is what is tested
    private static void dive(Watched watched, AtomicInteger overflows, AtomicInteger left) {
        try {
            WorkerPool.requireStack();
            watched.pool.forEach(8, 1, (worker, from, to) -> {
                if (worker > 0) { // with a stack of its own
                    watched.inside.incrementAndGet();
                    watched.inside.decrementAndGet();
                }
            });
            dive(watched, overflows, left);
        } catch (StackOverflowError e) {
            overflows.incrementAndGet();
            left.addAndGet(watched.inside.getAndSet(0));
        }
    }
}
