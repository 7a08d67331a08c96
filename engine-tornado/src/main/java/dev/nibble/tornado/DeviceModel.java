package dev.nibble.tornado;

import dev.nibble.LoadOptions;
import dev.nibble.model.BlockConfig;
import dev.nibble.model.Model;
import dev.nibble.model.Projection;
import dev.nibble.model.RopeConfig;
import dev.nibble.tornado.kernels.Layout;
import dev.nibble.tornado.kernels.OutputKernels;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;

/** A model on a device: its arrays, its graphs, and the layers that stayed on the CPU. */
final class DeviceModel implements AutoCloseable {
    private final OffloadPlan plan;
    private final Buffers buffers;
    private final Device.Program program;
    private final List<LayerShape> shapes = new ArrayList<>(); // distinct ones
    private final int[] shapeOfLayer;
    private final List<Graph> oneRow = new ArrayList<>(); // of each shape
    private final List<Graph> manyRows = new ArrayList<>();
    private final Graph enterOne;
    private final Graph enterMany;
    private final List<Graph> outputGraphs = new ArrayList<>(); // of each piece of the output
    private final List<FloatArray> outputLogits = new ArrayList<>();
    private final List<Graph> bestGraphs = new ArrayList<>(); // likewise
    private final List<FloatArray> bestResults = new ArrayList<>();
    private final BestToken best = new BestToken();
    private final @Nullable CpuLayers cpu;
    private final @Nullable FloatArray entering;
    private final String converted;
    private final long copiedWeights;
    private final Arena arena;

    /**
     * Loads a model.
     *
     * @param arena how long its files are mapped; closed with the model, but not if this fails
     */
    DeviceModel(Model model, OffloadPlan plan, Device device, LoadOptions options, int rows, Arena arena) {
        this.plan = plan;
        this.arena = arena;
        int onCpu = plan.totalLayers() - plan.layers();
        int hidden = model.config().hiddenSize();
        List<BlockConfig> blocks = model.blocks().subList(onCpu, plan.totalLayers());
        RopeConfig usualRope = blocks.stream()
                .map(block -> Support.attention(block).rope())
                .filter(Objects::nonNull)
                .findFirst()
                .orElse(null);

        WeightStore store = WeightStore.of(model, plan.layers(), device);
        Projection output = Objects.requireNonNull(model.output());
        List<WeightStore.Piece> outputPieces = store.matrix(output.weight());
        LayerTables tables = new LayerTables(blocks.size() + outputPieces.size(), plan.slots());
        shapeOfLayer = new int[blocks.size()];
        List<LayerShape> shapesOfLayers = new ArrayList<>();
        for (int i = 0; i < blocks.size(); i++) {
            BlockConfig block = blocks.get(i);
            List<WeightStore.Piece> pieces = store.layer(i);
            tables.layer(i, block, pieces, i);
            LayerShape shape = LayerShape.of(block, hidden, pieces, usualRope);
            shapesOfLayers.add(shape);
            if (!shapes.contains(shape)) {
                shapes.add(shape);
            }
            shapeOfLayer[i] = shapes.indexOf(shape);
        }
        for (int i = 0; i < outputPieces.size(); i++) {
            tables.output(blocks.size() + i, output, model.outputNorm(), outputPieces.get(i));
        }
        converted = store.converted().stream().map(Enum::name).collect(Collectors.joining(", "));
        KernelChecks.run(
                device,
                KernelChecks.of(
                        store.types(),
                        shapes.stream().map(LayerShape::activation).distinct().toList()));

        buffers = Buffers.allocate(store.fill(arena), tables, shapesOfLayers, rows, plan.slots(), hidden);
        copiedWeights = store.copiedBytes();
        GraphFactory one = new GraphFactory(buffers, 1);
        GraphFactory many = new GraphFactory(buffers, rows);
        entering = onCpu == 0 ? null : new FloatArray(rows * hidden);
        List<WeightStore.Piece> embedding = onCpu == 0 ? store.matrix(model.tokenEmbedding()) : List.of();
        float scale = model.config().embeddingScale();
        enterOne = entering == null ? one.embed(embedding, scale) : one.enter(entering, hidden);
        enterMany = entering == null ? many.embed(embedding, scale) : many.enter(entering, hidden);
        for (LayerShape shape : shapes) {
            oneRow.add(one.layer(shape, oneRow.size()));
            manyRows.add(many.layer(shape, manyRows.size()));
        }
        for (int i = 0; i < outputPieces.size(); i++) {
            FloatArray logits = new FloatArray(outputPieces.get(i).rows());
            outputLogits.add(logits);
            outputGraphs.add(one.logits(outputPieces.get(i), model.outputNorm() != null, logits, i));
            FloatArray result = new FloatArray(OutputKernels.GROUPS * OutputKernels.RESULT_SIZE);
            bestResults.add(result);
            float logitScale = model.config().logitScale();
            bestGraphs.add(one.best(outputPieces.get(i), model.outputNorm() != null, logitScale, result, i));
        }
        List<Graph> graphs = new ArrayList<>(List.of(enterOne, enterMany));
        graphs.addAll(oneRow);
        graphs.addAll(manyRows);
        graphs.addAll(outputGraphs);
        graphs.addAll(bestGraphs);
        cpu = onCpu == 0 ? null : new CpuLayers(model, onCpu, options, rows);
        try {
            program = device.prepare(buffers.constants(), buffers.onDevice(), graphs, List.of(buffers.batch()));
        } catch (RuntimeException | Error e) {
            if (cpu != null) {
                cpu.close();
            }
            throw e;
        }
    }

    OffloadPlan plan() {
        return plan;
    }

    Buffers buffers() {
        return buffers;
    }

    /** Bytes allocated on the host, where TornadoVM keeps a copy of each array but of mapped weights. */
    long hostBytes() {
        long floats = entering == null ? 0 : entering.getSize();
        for (int i = 0; i < outputLogits.size(); i++) {
            floats += 2L * outputLogits.get(i).getSize() + bestResults.get(i).getSize();
        }
        return buffers.bytes() + copiedWeights + Float.BYTES * floats;
    }

    /** The layers on the CPU, or null if there are none. */
    @Nullable CpuLayers cpu() {
        return cpu;
    }

    /** [rows, hidden] that the layers on the CPU hand over. */
    FloatArray entering() {
        return Objects.requireNonNull(entering);
    }

    /** Fills the residual stream for one row. */
    Graph enterOne() {
        return enterOne;
    }

    /** Fills the residual stream for a batch. */
    Graph enterMany() {
        return enterMany;
    }

    /** The graph of a layer on the device, counted from the first of them. */
    Graph layer(int layer, boolean single) {
        return (single ? oneRow : manyRows).get(shapeOfLayer[layer]);
    }

    /** Runs a graph for a row of the table and a row of the batch. */
    void run(Graph graph, int tableRow, int inputRow) {
        buffers.step().set(Layout.TABLE_ROW, tableRow);
        buffers.step().set(Layout.INPUT_ROW, inputRow);
        program.run(graph);
    }

    /** The logits of a row of the batch, [vocabSize] from {@code offset} on. */
    void logits(int row, float[] target, int offset) {
        int at = offset;
        for (int i = 0; i < outputGraphs.size(); i++) {
            run(outputGraphs.get(i), plan.layers() + i, row);
            FloatArray piece = outputLogits.get(i);
            MemorySegment.copy(piece.getSegment(), ValueLayout.JAVA_FLOAT, 0, target, at, piece.getSize());
            at += piece.getSize();
        }
    }

    /** The most probable token after a row of the batch, valid until the next call. */
    BestToken best(int row) {
        best.clear();
        int first = 0;
        for (int i = 0; i < bestGraphs.size(); i++) {
            run(bestGraphs.get(i), plan.layers() + i, row);
            best.add(bestResults.get(i), first);
            first += outputLogits.get(i).getSize();
        }
        return best;
    }

    /** What runs where, what was converted, and what was copied. */
    String describe() {
        return plan.describe()
                + (converted.isEmpty() ? "" : "; converted to F16: " + converted)
                + (copiedWeights == 0 ? "" : "; weights copied on the host: " + OffloadPlan.mebibytes(copiedWeights));
    }

    @Override
    public void close() {
        program.close();
        if (cpu != null) {
            cpu.close();
        }
        arena.close();
    }
}
