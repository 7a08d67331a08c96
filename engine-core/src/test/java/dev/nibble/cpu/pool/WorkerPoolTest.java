package dev.nibble.cpu.pool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class WorkerPoolTest {

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 5})
    void runsEveryItemOnce(int threads) {
        try (WorkerPool pool = new WorkerPool(threads)) {
            assertThat(pool.threads()).isEqualTo(threads);
            for (int items : new int[] {0, 1, 2, 7, 64, 1000}) {
                for (int grain : new int[] {1, 3, 64, 5000}) {
                    AtomicIntegerArray seen = new AtomicIntegerArray(items);
                    pool.forEach(items, grain, (worker, from, to) -> {
                        assertThat(worker).isBetween(0, threads - 1);
                        assertThat(to - from).isBetween(1, threads == 1 ? items : grain);
                        for (int i = from; i < to; i++) {
                            seen.incrementAndGet(i);
                        }
                    });
                    for (int i = 0; i < items; i++) {
                        assertThat(seen.get(i))
                                .as("item %s of %s, grain %s", i, items, grain)
                                .isEqualTo(1);
                    }
                }
            }
        }
    }

    @Test
    void otherThreadsTakePart() throws InterruptedException {
        try (WorkerPool pool = new WorkerPool(2)) {
            // each of two chunks waits for the other to start, so one thread alone would never end
            CountDownLatch both = new CountDownLatch(2);
            pool.forEach(2, 1, (worker, from, to) -> {
                both.countDown();
                try {
                    assertThat(both.await(30, TimeUnit.SECONDS)).isTrue();
                } catch (InterruptedException e) {
                    throw new AssertionError(e);
                }
            });
        }
    }

    @Test
    void wakesParkedWorkers() throws InterruptedException {
        try (WorkerPool pool = new WorkerPool(3)) {
            for (int round = 0; round < 5; round++) {
                Thread.sleep(20); // longer than workers spin
                CountDownLatch all = new CountDownLatch(3);
                pool.forEach(3, 1, (worker, from, to) -> {
                    all.countDown();
                    try {
                        assertThat(all.await(30, TimeUnit.SECONDS)).isTrue();
                    } catch (InterruptedException e) {
                        throw new AssertionError(e);
                    }
                });
            }
        }
    }

    @Test
    void manyShortRegionsSeeTheWritesOfTheOneBefore() {
        try (WorkerPool pool = new WorkerPool(3)) {
            int[] values = new int[10];
            for (int round = 0; round < 20_000; round++) {
                int expected = round;
                pool.forEach(10, 1, (worker, from, to) -> {
                    for (int i = from; i < to; i++) {
                        if (values[9 - i] < expected - 1 || values[i] != expected) {
                            throw new AssertionError("item " + i + " in round " + expected + ": " + values[i]);
                        }
                        values[i]++;
                    }
                });
            }
            assertThat(values).containsOnly(20_000);
        }
    }

    @Test
    void severalCallersTakeTurns() throws InterruptedException {
        try (WorkerPool pool = new WorkerPool(2)) {
            AtomicInteger inside = new AtomicInteger();
            AtomicReference<Throwable> failure = new AtomicReference<>();
            List<Thread> callers = new ArrayList<>();
            for (int c = 0; c < 3; c++) {
                Thread caller = new Thread(() -> {
                    try {
                        for (int round = 0; round < 500; round++) {
                            AtomicInteger sum = new AtomicInteger();
                            pool.forEach(100, 7, (worker, from, to) -> {
                                if (inside.incrementAndGet() > 2) {
                                    throw new AssertionError("more threads than the pool has");
                                }
                                sum.addAndGet(to - from);
                                inside.decrementAndGet();
                            });
                            assertThat(sum.get()).isEqualTo(100);
                        }
                    } catch (Throwable t) {
                        failure.set(t);
                    }
                });
                caller.start();
                callers.add(caller);
            }
            for (Thread caller : callers) {
                caller.join();
            }
            assertThat(failure.get()).isNull();
        }
    }

    /** Each region waits until the other caller stands in line; that one has to come before the next. */
    @Test
    void aCallerThatWaitsIsNotOvertaken() throws InterruptedException {
        try (WorkerPool pool = new WorkerPool(2)) {
            AtomicInteger regions = new AtomicInteger();
            AtomicBoolean done = new AtomicBoolean();
            Thread other = new Thread(() -> {
                while (!done.get()) {
                    pool.forEach(2, 1, (worker, from, to) -> {});
                    regions.incrementAndGet();
                }
            });
            other.start();
            AtomicInteger seen = new AtomicInteger(-1);
            for (int round = 0; round < 100; round++) {
                pool.forEach(2, 1, (worker, from, to) -> {
                    if (from == 0) {
                        while (other.isAlive() && other.getState() != Thread.State.WAITING) {
                            Thread.onSpinWait();
                        }
                        assertThat(regions.get()).isGreaterThan(seen.getAndSet(regions.get()));
                    }
                });
            }
            done.set(true);
            other.join();
        }
    }

    /** Each chunk of the first region waits for all threads; the regions after it may bring no thread that is new. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 4})
    void chunksRunInAsManyThreadsAsAskedFor(int threads) {
        try (WorkerPool pool = new WorkerPool(threads)) {
            Set<Thread> executing = ConcurrentHashMap.newKeySet();
            CountDownLatch all = new CountDownLatch(threads);
            pool.forEach(threads, 1, (worker, from, to) -> {
                executing.add(Thread.currentThread());
                all.countDown();
                try {
                    assertThat(all.await(30, TimeUnit.SECONDS)).isTrue();
                } catch (InterruptedException e) {
                    throw new AssertionError(e);
                }
            });
            assertThat(executing).hasSize(threads).contains(Thread.currentThread());
            for (int round = 0; round < 1000; round++) {
                pool.forEach(64, 1, (worker, from, to) -> executing.add(Thread.currentThread()));
            }
            assertThat(executing).hasSize(threads);
        }
    }

    @Test
    void throwsWhatTheJobThrowsAndStaysUsable() {
        try (WorkerPool pool = new WorkerPool(2)) {
            for (int bad = 0; bad < 50; bad++) {
                int at = bad;
                assertThatThrownBy(() -> pool.forEach(50, 1, (worker, from, to) -> {
                            if (from == at) {
                                throw new IllegalStateException("item " + at);
                            }
                        }))
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessage("item " + at);
            }
            AtomicInteger sum = new AtomicInteger();
            pool.forEach(50, 1, (worker, from, to) -> sum.addAndGet(to - from));
            assertThat(sum.get()).isEqualTo(50);
        }
    }

    @Test
    void refusesWhatCannotWork() {
        assertThatThrownBy(() -> new WorkerPool(0)).isInstanceOf(IllegalArgumentException.class);
        WorkerPool pool = new WorkerPool(2);
        assertThatThrownBy(() -> pool.forEach(-1, 1, (worker, from, to) -> {}))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> pool.forEach(1, 0, (worker, from, to) -> {}))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(
                        () -> pool.forEach(8, 1, (worker, from, to) -> pool.forEach(1, 1, (inner, first, last) -> {})))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("inside");
        pool.close();
        assertThatThrownBy(() -> pool.forEach(8, 1, (worker, from, to) -> {}))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("closed");
    }

    @Test
    void closeEndsTheThreads() throws InterruptedException {
        WorkerPool pool = new WorkerPool(2);
        AtomicReference<Thread> worker = new AtomicReference<>();
        while (worker.get() == null) {
            pool.forEach(2, 1, (index, from, to) -> {
                if (index == 1) {
                    worker.set(Thread.currentThread());
                }
            });
        }
        pool.close();
        assertThat(worker.get().join(java.time.Duration.ofSeconds(30))).isTrue();
    }

    @Test
    void aPoolOfSharedWorkersUsesAsManyAsItHas() {
        try (Workers workers = new Workers(4);
                WorkerPool narrow = new WorkerPool(workers, 2);
                WorkerPool wide = new WorkerPool(workers, 4)) {
            assertThat(narrow.threads()).isEqualTo(2);
            Set<Thread> all = ConcurrentHashMap.newKeySet();
            for (int round = 0; round < 200; round++) {
                Set<Thread> executing = ConcurrentHashMap.newKeySet();
                runInAll(wide, all);
                runInAll(narrow, executing);
                narrow.forEach(64, 1, (worker, from, to) -> {
                    assertThat(worker).isLessThan(2);
                    executing.add(Thread.currentThread());
                });
                assertThat(executing).hasSize(2);
                assertThat(all).hasSize(4).containsAll(executing);
            }
            assertThat(narrow.scratch(1)).isSameAs(wide.scratch(1));
        }
    }

    private static void runInAll(WorkerPool pool, Set<Thread> executing) {
        CountDownLatch all = new CountDownLatch(pool.threads());
        pool.forEach(pool.threads(), 1, (worker, from, to) -> {
            executing.add(Thread.currentThread());
            all.countDown();
            try {
                assertThat(all.await(30, TimeUnit.SECONDS)).isTrue();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        });
    }

    @Test
    void aPoolThatNeedsMoreWorkersStartsThem() {
        try (Workers workers = new Workers(1);
                WorkerPool one = new WorkerPool(workers, 1);
                WorkerPool three = new WorkerPool(workers, 3)) {
            assertThat(workers.threads()).isEqualTo(3);
            Set<Thread> executing = ConcurrentHashMap.newKeySet();
            runInAll(three, executing);
            assertThat(executing).hasSize(3);
            Set<Thread> alone = ConcurrentHashMap.newKeySet();
            one.forEach(64, 1, (worker, from, to) -> alone.add(Thread.currentThread()));
            assertThat(alone).containsExactly(Thread.currentThread());
        }
    }

    @Test
    void aPoolThatIsClosedLeavesItsWorkersToOthers() {
        try (Workers workers = new Workers(2);
                WorkerPool other = new WorkerPool(workers, 2)) {
            WorkerPool pool = new WorkerPool(workers, 2);
            pool.close();
            assertThatThrownBy(() -> pool.forEach(8, 1, (worker, from, to) -> {}))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("closed");
            Set<Thread> executing = ConcurrentHashMap.newKeySet();
            runInAll(other, executing);
            assertThat(executing).hasSize(2);
        }
    }

    /** Without that, two models would change places at each of the hundreds of loops of a token. */
    @Test
    void noLoopComesBetweenThoseOfACallerThatKeepsTheWorkers() throws InterruptedException {
        try (Workers workers = new Workers(2);
                WorkerPool pool = new WorkerPool(workers, 2);
                WorkerPool other = new WorkerPool(workers, 2)) {
            AtomicInteger loops = new AtomicInteger();
            AtomicBoolean done = new AtomicBoolean();
            Thread thread = new Thread(() -> {
                while (!done.get()) {
                    other.forEach(2, 1, (worker, from, to) -> {});
                    loops.incrementAndGet();
                }
            });
            thread.start();
            for (int round = 0; round < 50; round++) {
                int before = -1;
                int kept = pool.keep();
                try {
                    while (thread.isAlive() && thread.getState() != Thread.State.WAITING) {
                        Thread.onSpinWait();
                    }
                    before = loops.get();
                    for (int loop = 0; loop < 20; loop++) {
                        pool.forEach(2, 1, (worker, from, to) -> {});
                    }
                    assertThat(loops).hasValue(before);
                    while (loops.get() == before) {
                        pool.letOthers(); // one that has waited long
                    }
                } finally {
                    pool.giveBack(kept);
                }
            }
            done.set(true);
            thread.join();
        }
    }

    @Test
    void whatAnErrorLeftLockedIsGivenBack() throws InterruptedException {
        try (Workers workers = new Workers(2);
                WorkerPool pool = new WorkerPool(workers, 2)) {
            int kept = pool.keep();
            pool.keep(); // never given back by itself
            pool.giveBack(kept);
            AtomicBoolean ran = new AtomicBoolean();
            Thread thread = new Thread(() -> pool.forEach(2, 1, (worker, from, to) -> ran.set(true)));
            thread.start();
            thread.join();
            assertThat(ran).isTrue();
        }
    }
}
