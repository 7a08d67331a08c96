package dev.nibble.tornado;

import dev.nibble.OutOfMemoryException;
import dev.nibble.tornado.kernels.TransferKernels;
import java.util.ArrayList;
import java.util.Collection;
import java.util.IdentityHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.ImmutableTaskGraph;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.TornadoExecutionPlan;
import uk.ac.manchester.tornado.api.WorkerGrid1D;
import uk.ac.manchester.tornado.api.common.TornadoDevice;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;
import uk.ac.manchester.tornado.api.exceptions.TornadoExecutionPlanException;
import uk.ac.manchester.tornado.api.types.arrays.ByteArray;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

/**
 * Graphs as an execution plan of TornadoVM.
 *
 * <p>TornadoVM knows arrays graph by graph, and a graph takes over those it shares from the graph that ran before it. So
 * that any order works, every graph names all shared arrays, and a first graph, which runs once, brings them onto the
 * device: it reads an element of each constant, which uploads it, and writes one of each buffer, which only allocates it.
 */
final class TornadoDeviceProgram implements Device.Program {
    private static final String FIRST = "load";

    private final TornadoExecutionPlan plan;
    private final IdentityHashMap<Graph, Integer> indexes = new IdentityHashMap<>();
    private final String device;
    private boolean closed;

    TornadoDeviceProgram(
            TornadoDevice device,
            String description,
            boolean cudaGraphs,
            List<Object> constants,
            List<Object> buffers,
            List<Graph> graphs,
            List<Object> passedOn) {
        this.device = description;
        GridScheduler grids = new GridScheduler();
        List<ImmutableTaskGraph> built = new ArrayList<>();
        boolean shares = !constants.isEmpty() || !buffers.isEmpty();
        if (shares) {
            built.add(load(constants, buffers, grids));
        }
        for (Graph graph : graphs) {
            Set<Object> shared = new LinkedHashSet<>(constants);
            shared.addAll(buffers);
            shared.addAll(passedOn);
            indexes.put(graph, built.size());
            built.add(build(graph, shared, passedOn, grids));
        }
        plan = new TornadoExecutionPlan(built.toArray(ImmutableTaskGraph[]::new));
        try {
            plan.withDevice(device);
            plan.withGridScheduler(grids);
            if (cudaGraphs) {
                plan.withCUDAGraph();
            }
            if (shares) {
                execute(0, FIRST);
            }
        } catch (RuntimeException | Error e) {
            close();
            throw e;
        }
    }

    private static ImmutableTaskGraph load(List<Object> constants, List<Object> buffers, GridScheduler grids) {
        TaskGraph graph = new TaskGraph(FIRST);
        FloatArray sink = new FloatArray(Math.max(1, constants.size()));
        graph.transferToDevice(DataTransferMode.FIRST_EXECUTION, constants.toArray());
        List<Launch> launches = new ArrayList<>();
        for (int i = 0; i < constants.size(); i++) {
            launches.add(read("read" + i, constants.get(i), sink, i));
        }
        for (int i = 0; i < buffers.size(); i++) {
            launches.add(write("write" + i, buffers.get(i)));
        }
        addTasks(graph, FIRST, launches, grids);
        List<Object> kept = new ArrayList<>(constants);
        kept.addAll(buffers);
        graph.persistOnDevice(kept.toArray());
        return graph.snapshot();
    }

    private static Launch read(String name, Object from, FloatArray sink, int index) {
        return switch (from) {
            case ByteArray bytes -> Launch.of(name, 1, 1, TransferKernels::readBytes, bytes, sink, index);
            case IntArray ints -> Launch.of(name, 1, 1, TransferKernels::readInts, ints, sink, index);
            case FloatArray floats -> Launch.of(name, 1, 1, TransferKernels::readFloats, floats, sink, index);
            default -> throw new IllegalArgumentException("no constant is a " + from.getClass());
        };
    }

    private static Launch write(String name, Object to) {
        return switch (to) {
            case FloatArray floats -> Launch.of(name, 1, 1, TransferKernels::writeFloats, floats);
            case ShortArray shorts -> Launch.of(name, 1, 1, TransferKernels::writeShorts, shorts);
            default -> throw new IllegalArgumentException("no buffer is a " + to.getClass());
        };
    }

    private static ImmutableTaskGraph build(
            Graph source, Set<Object> shared, Collection<Object> passedOn, GridScheduler grids) {
        TaskGraph graph = new TaskGraph(source.name());
        shared.removeAll(source.uploads());
        if (!shared.isEmpty()) {
            graph.consumeFromDevice(shared.toArray());
        }
        if (!source.uploads().isEmpty()) {
            graph.transferToDevice(
                    DataTransferMode.EVERY_EXECUTION, source.uploads().toArray());
        }
        addTasks(graph, source.name(), source.launches(), grids);
        List<Object> kept = new ArrayList<>(passedOn);
        kept.retainAll(source.uploads());
        if (!kept.isEmpty()) {
            graph.persistOnDevice(kept.toArray());
        }
        if (!source.downloads().isEmpty()) {
            graph.transferToHost(
                    DataTransferMode.EVERY_EXECUTION, source.downloads().toArray());
        }
        return graph.snapshot();
    }

    private static void addTasks(TaskGraph graph, String name, List<Launch> launches, GridScheduler grids) {
        for (Launch launch : launches) {
            launch.code().addTo(graph, launch.name());
            WorkerGrid1D grid = new WorkerGrid1D(launch.groups() * launch.lanes());
            grid.setLocalWork(launch.lanes(), 1, 1);
            grids.addWorkerGrid(name + "." + launch.name(), grid);
        }
    }

    @Override
    public void run(Graph graph) {
        Integer index = indexes.get(graph);
        if (index == null || closed) {
            throw new IllegalStateException("the graph " + graph.name() + " is not part of an open program");
        }
        execute(index, graph.name());
    }

    private void execute(int index, String name) {
        try {
            plan.withGraph(index).execute();
        } catch (RuntimeException | Error e) {
            throw failure(name, e);
        }
    }

    /** TornadoVM's own exceptions say little; ours name the graph, the device and what was wrong. */
    private RuntimeException failure(String graph, Throwable e) {
        for (Throwable cause = e; cause != null; cause = cause.getCause()) {
            if (cause.getClass().getSimpleName().contains("OutOfMemory")) {
                return new OutOfMemoryException(
                        device + " has no memory left for the graph " + graph + ": " + cause.getMessage()
                                + "; fewer layers (gpuLayers) or a smaller context need less",
                        e);
            }
        }
        return new IllegalStateException(device + " failed to run the graph " + graph + ": " + e, e);
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        try {
            plan.close();
        } catch (TornadoExecutionPlanException | RuntimeException e) {
            System.getLogger("dev.nibble.tornado")
                    .log(System.Logger.Level.WARNING, device + " did not free its memory: " + e.getMessage(), e);
        }
    }
}
