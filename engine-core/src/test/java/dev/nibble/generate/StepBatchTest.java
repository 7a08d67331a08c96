package dev.nibble.generate;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nibble.KvCacheType;
import dev.nibble.Priority;
import dev.nibble.spi.ActivationObserver;
import dev.nibble.spi.Batch;
import dev.nibble.spi.ForwardPass;
import dev.nibble.spi.Sequence;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Which rows a batch takes of those that wait. */
class StepBatchTest {
    private static final int CAPACITY = 8;

    private final StepBatch batch = new StepBatch(new SmallPass());
    private final List<Rows> waiting = new ArrayList<>();

    private static Rows rows(Priority priority, int count) {
        Rows rows = new Rows(new NoSequence());
        rows.priority = priority;
        rows.set(new int[count], 0, count, count - 1, new float[1], 0);
        rows.state = Rows.State.WAITING;
        return rows;
    }

    private static List<Rows> rows(int sessions, IntFunction<Rows> each) {
        return IntStream.range(0, sessions).mapToObj(each).toList();
    }

    /** Evaluates batches, of which each session comes back for the next; how many rows each got. */
    private List<Integer> run(List<Rows> sessions, int batches, IntFunction<Rows> leader) {
        int[] taken = new int[sessions.size()];
        waiting.addAll(sessions);
        for (int i = 0; i < batches; i++) {
            batch.collect(waiting, leader.apply(i));
            assertThat(batch.members()).isPositive();
            for (int member = 0; member < batch.members(); member++) {
                Rows rows = batch.member(member);
                taken[sessions.indexOf(rows)] += rows.taken;
                rows.state = Rows.State.WAITING;
                waiting.add(rows);
            }
            batch.clear();
        }
        return IntStream.of(taken).boxed().toList();
    }

    @Test
    void stepsThatDoNotFitTakeTurns() {
        List<Rows> sessions = rows(32, i -> rows(Priority.NORMAL, 1));
        assertThat(run(sessions, 400, i -> waiting.getLast())).allMatch(rows -> rows >= 90 && rows <= 110);
    }

    @Test
    void promptsShareTheRows() {
        List<Rows> prompts = rows(4, i -> rows(Priority.NORMAL, 1000));
        batch.collect(new ArrayList<>(prompts), prompts.getFirst());
        assertThat(prompts).extracting(rows -> rows.taken).containsExactly(2, 2, 2, 2);
    }

    @Test
    void promptsOfHigherPriorityGetMoreRows() {
        Rows low = rows(Priority.LOW, 1000);
        Rows high = rows(Priority.HIGH, 1000);
        List<Integer> taken = run(List.of(low, high), 1000, i -> low);
        assertThat(taken.get(1)).isGreaterThan(5 * taken.get(0));
        assertThat(taken.get(0)).as("of the lower, which is never without").isGreaterThanOrEqualTo(1000);
    }

    @Test
    void stepsOfHigherPriorityComeFirstAndOthersNeverStarve() {
        List<Rows> sessions = rows(16, i -> rows(i < 8 ? Priority.LOW : Priority.HIGH, 1));
        List<Integer> taken = run(sessions, 1000, i -> waiting.getLast());
        assertThat(taken.subList(8, 16)).allMatch(rows -> rows >= 850);
        assertThat(taken.subList(0, 8)).allMatch(rows -> rows >= 80);
    }

    @Test
    void itDoesNotMatterWhoLeads() {
        List<Rows> sessions = rows(16, i -> rows(i < 8 ? Priority.LOW : Priority.HIGH, 1));
        List<Integer> taken = run(sessions, 1000, i -> sessions.getFirst());
        assertThat(taken.getFirst())
                .as("of low priority, and the thread that leads")
                .isBetween(80, 200);
    }

    @Test
    void aPromptIsReadThoughStepsFillEveryBatch() {
        List<Rows> sessions = rows(17, i -> rows(Priority.NORMAL, i == 16 ? 1000 : 1));
        List<Integer> taken = run(sessions, 1000, i -> sessions.getFirst());
        assertThat(taken.get(16)).isGreaterThanOrEqualTo(100);
        assertThat(taken.subList(0, 16)).allMatch(rows -> rows >= 400);
    }

    private static final class NoSequence implements Sequence {
        @Override
        public int capacity() {
            return 1000;
        }

        @Override
        public int length() {
            return 0;
        }

        @Override
        public boolean truncate(int length) {
            return false;
        }

        @Override
        public void close() {}
    }

    /** Asked for its sizes only. */
    private static final class SmallPass implements ForwardPass {
        @Override
        public int maxBatchRows() {
            return CAPACITY;
        }

        @Override
        public int outputSize() {
            return 1;
        }

        @Override
        public Sequence newSequence(int contextLength, KvCacheType type) {
            throw new UnsupportedOperationException();
        }

        @Override
        public long sequenceBytes(int contextLength, KvCacheType type) {
            throw new UnsupportedOperationException();
        }

        @Override
        public long workspaceBytes() {
            return 0;
        }

        @Override
        public void evaluate(Batch rows, float[] logits, BooleanSupplier cancelled) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void observe(@Nullable ActivationObserver observer) {}

        @Override
        public void close() {}
    }
}
