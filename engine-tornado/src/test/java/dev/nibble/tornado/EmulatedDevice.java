package dev.nibble.tornado;

import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/** Runs launches in plain Java, work-group by work-group, each work-item a thread where there are barriers. */
final class EmulatedDevice implements Device {
    private final long memory;
    private final long maxArrayBytes;
    private final long maxPieceBytes;

    EmulatedDevice() {
        this(Long.MAX_VALUE, 1 << 30, 1 << 30);
    }

    /** With so much memory, and so large arrays and pieces of matrices, that it says it has. */
    EmulatedDevice(long memory, long maxArrayBytes, long maxPieceBytes) {
        this.memory = memory;
        this.maxArrayBytes = maxArrayBytes;
        this.maxPieceBytes = maxPieceBytes;
    }

    @Override
    public String description() {
        return "emulated device";
    }

    @Override
    public long memory() {
        return memory;
    }

    @Override
    public long maxArrayBytes() {
        return maxArrayBytes;
    }

    @Override
    public long maxPieceBytes() {
        return maxPieceBytes;
    }

    @Override
    public Program prepare(List<Object> constants, List<Object> buffers, List<Graph> graphs, List<Object> passedOn) {
        return new Program() {
            @Override
            public void run(Graph graph) {
                graph.launches().forEach(EmulatedDevice::run);
            }

            @Override
            public void close() {}
        };
    }

    private static void run(Launch launch) {
        WorkGroup shared = new WorkGroup(launch.lanes());
        Queue<Throwable> failures = new ConcurrentLinkedQueue<>();
        Thread[] lanes = new Thread[launch.lanes()];
        for (int lane = 0; lane < lanes.length; lane++) {
            WorkItem item = new WorkItem(shared, lane, lanes.length);
            lanes[lane] = Thread.ofVirtual().unstarted(() -> {
                try {
                    for (int group = 0; group < launch.groups(); group++) {
                        item.enter(group);
                        launch.code().run(item);
                        shared.endGroup();
                    }
                } catch (Throwable e) {
                    failures.add(e);
                    shared.abandon();
                }
            });
        }
        for (Thread lane : lanes) {
            lane.start();
        }
        for (Thread lane : lanes) {
            try {
                lane.join();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
        for (Throwable failure : failures) {
            throw new IllegalStateException("kernel " + launch.name() + ": " + failure, failure);
        }
    }
}
