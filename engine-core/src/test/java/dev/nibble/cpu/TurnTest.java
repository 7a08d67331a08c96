package dev.nibble.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class TurnTest {
    private final Turn turn = new Turn();

    private static boolean never() {
        return false;
    }

    /** Starts a thread and returns when it waits for its turn. */
    private static Thread waiting(Runnable action) throws InterruptedException {
        Thread thread = Thread.startVirtualThread(action);
        while (thread.getState() != Thread.State.TIMED_WAITING) {
            assertThat(thread.isAlive()).isTrue();
            Thread.sleep(1);
        }
        return thread;
    }

    @Test
    void comesInTheOrderOfAsking() throws Exception {
        List<Integer> order = Collections.synchronizedList(new ArrayList<>());
        List<Thread> threads = new ArrayList<>();
        turn.take(TurnTest::never);
        for (int i = 0; i < 20; i++) {
            int number = i;
            threads.add(waiting(() -> {
                turn.take(TurnTest::never);
                order.add(number);
                turn.give();
            }));
        }
        turn.give();
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(order).hasSize(20).isSorted();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void waitingEndsWhenItIsCancelled(boolean byInterrupt) throws Exception {
        AtomicBoolean cancelled = new AtomicBoolean();
        AtomicReference<Throwable> thrown = new AtomicReference<>();
        AtomicBoolean interrupted = new AtomicBoolean();
        turn.take(TurnTest::never);
        Thread waiting = waiting(() -> {
            try {
                turn.take(() -> cancelled.get() || Thread.currentThread().isInterrupted());
            } catch (CancellationException e) {
                thrown.set(e);
                interrupted.set(Thread.currentThread().isInterrupted());
            }
        });
        if (byInterrupt) {
            waiting.interrupt();
        } else {
            cancelled.set(true);
        }
        waiting.join();
        assertThat(thrown.get()).hasMessageContaining("waited for its turn");
        assertThat(interrupted.get()).isEqualTo(byInterrupt);
        turn.give();
        turn.take(TurnTest::never); // nobody stands in line
        turn.give();
    }

    @Test
    void anInterruptThatCancelsNothingIsKept() throws Exception {
        AtomicBoolean interrupted = new AtomicBoolean();
        turn.take(TurnTest::never);
        Thread waiting = waiting(() -> {
            turn.take(TurnTest::never);
            interrupted.set(Thread.currentThread().isInterrupted());
            turn.give();
        });
        waiting.interrupt();
        turn.give();
        waiting.join();
        assertThat(interrupted).isTrue();
    }

    @Test
    void isNotTakenTwice() {
        turn.take(TurnTest::never);
        assertThatThrownBy(() -> turn.take(TurnTest::never)).isInstanceOf(IllegalStateException.class);
        turn.give();
    }

    @Test
    void oneThreadHasItAtATime() throws Exception {
        int[] count = new int[1];
        CountDownLatch ended = new CountDownLatch(8);
        for (int i = 0; i < 8; i++) {
            Thread.ofPlatform().start(() -> {
                for (int round = 0; round < 500; round++) {
                    turn.take(TurnTest::never);
                    count[0]++;
                    turn.give();
                }
                ended.countDown();
            });
        }
        ended.await();
        assertThat(count[0]).isEqualTo(4000);
    }
}
