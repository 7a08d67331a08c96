package uk.ac.manchester.tornado.api;

import uk.ac.manchester.tornado.api.common.TornadoDevice;
import uk.ac.manchester.tornado.api.exceptions.TornadoExecutionPlanException;

public class TornadoExecutionPlan implements AutoCloseable {
    public TornadoExecutionPlan(ImmutableTaskGraph... graphs) {
        throw Declarations.only();
    }

    public TornadoExecutionResult execute() {
        throw Declarations.only();
    }

    public TornadoExecutionPlan withGraph(int graphIndex) {
        throw Declarations.only();
    }

    public TornadoExecutionPlan withDevice(TornadoDevice device) {
        throw Declarations.only();
    }

    public TornadoExecutionPlan withGridScheduler(GridScheduler gridScheduler) {
        throw Declarations.only();
    }

    public TornadoExecutionPlan withCUDAGraph() {
        throw Declarations.only();
    }

    @Override
    public void close() throws TornadoExecutionPlanException {
        throw Declarations.only();
    }
}
