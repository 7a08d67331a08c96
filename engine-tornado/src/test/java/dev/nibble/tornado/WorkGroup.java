package dev.nibble.tornado;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CyclicBarrier;

/** What the work-items of an emulated group share: local arrays and the barrier. Groups run one after the other. */
final class WorkGroup {
    private final CyclicBarrier barrier;
    private final CyclicBarrier end;
    private final List<float[]> arrays = new ArrayList<>();

    WorkGroup(int lanes) {
        barrier = new CyclicBarrier(lanes);
        end = new CyclicBarrier(lanes, arrays::clear);
    }

    /** The array that work-items allocate as their {@code index}-th; full of NaN, as nothing may rely on its contents. */
    synchronized float[] array(int index, int size) {
        if (index == arrays.size()) {
            float[] array = new float[size];
            Arrays.fill(array, Float.NaN);
            arrays.add(array);
        }
        float[] array = arrays.get(index);
        if (array.length != size) {
            throw new IllegalStateException("work-items of a group allocate different local arrays");
        }
        return array;
    }

    void await() {
        await(barrier);
    }

    void endGroup() {
        if (barrier.getNumberWaiting() > 0) {
            throw new IllegalStateException("a work-item ends while others of its group wait at a barrier");
        }
        await(end);
    }

    /** Lets everyone go after a failure. */
    void abandon() {
        barrier.reset();
        end.reset();
    }

    private static void await(CyclicBarrier at) {
        try {
            at.await();
        } catch (InterruptedException | BrokenBarrierException e) {
            throw new IllegalStateException("another work-item failed", e);
        }
    }
}
