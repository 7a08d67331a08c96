package dev.nibble.gguf;

import dev.nibble.ModelFormatException;
import dev.nibble.UnsupportedModelException;
import dev.nibble.cpu.quant.BlockFormat;
import dev.nibble.model.Architectures;
import dev.nibble.tensor.DType;
import dev.nibble.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;

/**
 * Writes a model file anew with other tensor types: matrices in the mix of a {@link QuantizationType}, vectors and norms
 * in F32, small sensitive tensors and the metadata as they are.
 *
 * <p>A file of any size is converted in little memory: tensors are read from the mapped input and written piece by
 * piece. The output appears under its name when it is complete. A split model becomes one file.
 */
public final class GgufQuantizer {
    /** Elements that a task converts: a multiple of every block size. */
    private static final int PIECE = 1 << 16;

    private static final int PIECES_A_THREAD = 4;
    private static final int QUANTIZATION_VERSION = 2;

    private final QuantizationType type;
    private int threads = Runtime.getRuntime().availableProcessors();
    private boolean allowRequantize;
    private Consumer<Progress> listener = progress -> {};

    /**
     * How far a conversion is.
     *
     * @param tensor number of the tensor in work, from 1
     * @param tensors number of all tensors
     * @param name the tensor's name
     * @param from its type in the input
     * @param to its type in the output
     * @param elementsDone elements converted so far, of all tensors
     * @param elements elements of all tensors
     */
    public record Progress(
            int tensor, int tensors, String name, DType from, DType to, long elementsDone, long elements) {}

    /**
     * What a conversion did.
     *
     * @param tensors number of tensors
     * @param elements number of weights
     * @param inputBytes bytes of the tensors read
     * @param outputBytes bytes of the tensors written
     */
    public record Result(int tensors, long elements, long inputBytes, long outputBytes) {
        /** Bits that a weight takes in the output, over all tensors; 0 without any. */
        public double bitsPerWeight() {
            return elements == 0 ? 0 : 8.0 * outputBytes / elements;
        }
    }

    /** A conversion to {@code type}. */
    public GgufQuantizer(QuantizationType type) {
        this.type = type;
    }

    /** How many threads convert; by default one for each processor. */
    public GgufQuantizer threads(int count) {
        if (count < 1) {
            throw new IllegalArgumentException("threads must be 1 or more, not " + count);
        }
        threads = count;
        return this;
    }

    /**
     * Whether tensors that are quantized already may be quantized to another type. By default they may not, because the
     * errors add up; converting them to F32, F16 or BF16 is always allowed.
     */
    public GgufQuantizer allowRequantize(boolean allow) {
        allowRequantize = allow;
        return this;
    }

    /** Called on the thread that quantizes, when a tensor begins and several times while a large one is converted. */
    public GgufQuantizer onProgress(Consumer<Progress> consumer) {
        listener = consumer;
        return this;
    }

    /**
     * The type that each tensor would get, in file order.
     *
     * @throws ModelFormatException if the metadata contradict themselves
     */
    public Map<String, DType> plan(GgufFile model) {
        Map<String, DType> mix = TensorTypeMix.of(type, model.tensors(), model.metadata());
        Map<String, DType> plan = new LinkedHashMap<>();
        for (Tensor tensor : model.tensors()) {
            plan.put(tensor.name(), mix.getOrDefault(tensor.name(), tensor.dtype()));
        }
        return plan;
    }

    /**
     * Converts {@code in} to {@code out}. An interrupt of the calling thread ends it with a {@link
     * CancellationException} or an {@link IOException}; then, and after any failure, there is no output.
     *
     * @throws IOException if a file cannot be read or written
     * @throws ModelFormatException if the input is damaged or a weight cannot be stored in its new type
     * @throws UnsupportedModelException if the input is no model but an adapter or the like, or holds tensors of a type that cannot be read, or that are quantized
     *     already, see {@link #allowRequantize}
     * @throws IllegalArgumentException if both paths are the same file
     */
    public Result quantize(Path in, Path out) throws IOException {
        if (Files.exists(out) && Files.isSameFile(in, out)) {
            throw new IllegalArgumentException("the output " + out + " is the input; choose another name");
        }
        try (GgufFile model = GgufFile.open(in)) {
            Architectures.requireModel(model);
            try (Conversion conversion = new Conversion(model, plan(model))) {
                return conversion.write(out);
            }
        }
    }

    private final class Conversion implements AutoCloseable {
        private final GgufFile model;
        private final Map<String, DType> plan;
        private final long elements;
        private final ExecutorService pool;
        private final Arena arena = Arena.ofShared();
        private final MemorySegment[] buffers = new MemorySegment[threads * PIECES_A_THREAD];
        private final ThreadLocal<float[]> values = ThreadLocal.withInitial(() -> new float[PIECE]);
        private long elementsDone;

        Conversion(GgufFile model, Map<String, DType> plan) {
            this.model = model;
            this.plan = plan;
            long sum = 0;
            for (Tensor tensor : model.tensors()) {
                requireConvertible(tensor, target(tensor));
                sum += tensor.shape().elements();
            }
            this.elements = sum;
            this.pool = Executors.newFixedThreadPool(
                    threads,
                    Thread.ofPlatform().daemon().name("nibble-quantize-", 0).factory());
            for (int i = 0; i < buffers.length; i++) {
                buffers[i] = arena.allocate(PIECE * (long) Double.BYTES, 64);
            }
        }

        private DType target(Tensor tensor) {
            return plan.getOrDefault(tensor.name(), tensor.dtype());
        }

        private void requireConvertible(Tensor tensor, DType to) {
            if (tensor.dtype() == to) {
                return;
            }
            BlockFormat.of(tensor.dtype());
            if (tensor.dtype().isQuantized() && to.isQuantized() && !allowRequantize) {
                throw new UnsupportedModelException(model.name() + ": " + tensor.name() + " is quantized already ("
                        + tensor.dtype() + "), and quantizing it again to " + to + " adds to its errors; start from a"
                        + " file in F32, F16 or BF16, or allow to requantize");
            }
        }

        Result write(Path out) throws IOException {
            GgufWriter writer = new GgufWriter()
                    .alignment(model.alignment())
                    .putAll(model, key -> true)
                    .putUint32("general.quantization_version", QUANTIZATION_VERSION)
                    .putUint32("general.file_type", type.fileType());
            long inputBytes = 0;
            long outputBytes = 0;
            int number = 0;
            for (Tensor tensor : model.tensors()) {
                DType to = target(tensor);
                int position = ++number;
                writer.tensor(tensor.name(), to, tensor.shape(), channel -> convert(tensor, to, position, channel));
                inputBytes += tensor.data().byteSize();
                outputBytes += to.byteSize(tensor.shape().elements());
            }
            writer.write(out);
            return new Result(number, elements, inputBytes, outputBytes);
        }

        private void convert(Tensor tensor, DType to, int number, WritableByteChannel channel) throws IOException {
            long count = tensor.shape().elements();
            report(tensor, to, number);
            for (long first = 0; first < count; ) {
                List<Future<MemorySegment>> pieces = new ArrayList<>();
                for (int i = 0; i < buffers.length && first < count; i++) {
                    int length = (int) Math.min(PIECE, count - first);
                    long from = first;
                    MemorySegment buffer = buffers[i].asSlice(0, to.byteSize(length));
                    pieces.add(pool.submit(() -> convert(tensor, to, from, length, buffer)));
                    first += length;
                    elementsDone += length;
                }
                for (Future<MemorySegment> piece : pieces) {
                    channel.write(result(piece).asByteBuffer());
                }
                report(tensor, to, number);
            }
        }

        private void report(Tensor tensor, DType to, int number) {
            listener.accept(
                    new Progress(number, plan.size(), tensor.name(), tensor.dtype(), to, elementsDone, elements));
        }

        private MemorySegment convert(Tensor tensor, DType to, long first, int count, MemorySegment out) {
            long offset = tensor.dtype().byteSize(first);
            if (tensor.dtype() == to) {
                return out.copyFrom(tensor.data().asSlice(offset, out.byteSize()));
            }
            float[] piece = values.get();
            BlockFormat.of(tensor.dtype()).dequantize(tensor.data(), offset, piece, 0, count);
            try {
                BlockFormat.of(to).quantize(piece, 0, count, out, 0);
            } catch (IllegalArgumentException e) {
                throw new ModelFormatException(
                        model.name() + ": " + tensor.name() + " cannot be stored as " + to + ": in the " + count
                                + " values from " + first + " on, " + e.getMessage(),
                        e);
            }
            return out;
        }

        private static MemorySegment result(Future<MemorySegment> piece) throws IOException {
            try {
                return piece.get();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                CancellationException cancellation = new CancellationException("the quantization was interrupted");
                cancellation.initCause(e);
                throw cancellation;
            } catch (ExecutionException e) {
                if (e.getCause() instanceof RuntimeException cause) {
                    throw cause;
                }
                if (e.getCause() instanceof Error cause) {
                    throw cause;
                }
                throw new IOException(e);
            }
        }

        /** Ends the tasks before the memory they work on goes away. */
        @Override
        public void close() {
            pool.shutdownNow();
            pool.close();
            arena.close();
        }
    }
}
