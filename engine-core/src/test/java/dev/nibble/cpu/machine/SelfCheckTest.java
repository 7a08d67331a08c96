package dev.nibble.cpu.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.nibble.LoadOptions;
import dev.nibble.cpu.kernel.KernelFamily;
import dev.nibble.cpu.kernel.RandomWeights;
import dev.nibble.cpu.pool.WorkerPool;
import dev.nibble.cpu.repack.RepackMemory;
import dev.nibble.cpu.scalar.ScalarKernelFamily;
import dev.nibble.tensor.DType;
import dev.nibble.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledIf;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@Tag("machine-code")
@DisabledIf(
        value = "dev.nibble.cpu.machine.MachineKernelTest#isTheUsualCode",
        disabledReason = "machine code for this processor has vectors of this width without being asked")
class SelfCheckTest {
    private static final WorkerPool POOL = new WorkerPool(2);

    @AfterAll
    static void closePool() {
        POOL.close();
    }

    @BeforeEach
    void needsMachineCode() {
        String failure = MachineKernelFamily.failure();
        assumeTrue(failure.isEmpty(), () -> "no machine code to be tested: " + failure);
    }

    static Stream<DType> quantizedTypes() {
        return MachineKernelTest.quantizedTypes();
    }

    static Stream<DType> halves() {
        return MachineKernelTest.halves();
    }

    /** A copy with wrong quants multiplies like code that is wrong. */
    @ParameterizedTest
    @MethodSource("quantizedTypes")
    void theSelfCheckFindsWhatDiffers(DType dtype) {
        Tensor weight = RandomWeights.matrix(dtype, 512, Form.ROWS, new Random(11));
        AtomicReference<MemorySegment> copy = new AtomicReference<>(MemorySegment.NULL);
        RepackMemory memory = bytes -> copy.updateAndGet(none -> Arena.ofAuto().allocate(bytes, 64));
        KernelCode code = new KernelCode(Objects.requireNonNull(Form.of(dtype)));
        GroupKernel kernel = MachineKernel.of(weight, code, memory, POOL);
        assertThat(SelfCheck.failure(kernel, weight, POOL)).isEmpty();
        for (int block = 0; block < 512 / Form.BLOCK; block++) {
            long at = code.form().blockAt(block) + 4L * 7; // row 7
            int quants = copy.get().get(ValueLayout.JAVA_INT_UNALIGNED, at);
            copy.get().set(ValueLayout.JAVA_INT_UNALIGNED, at, ~quants);
        }
        assertThat(SelfCheck.failure(kernel, weight, POOL)).contains(weight.name() + ", row 7");
    }

    /** As the form of a type, but what the quants are centered around is another number: what is multiplied so is wrong. */
    private static Form wrong(Form form) {
        return new Form(
                form.dtype(),
                form.quants(),
                form.center() == 0 ? 4 : form.center() / 2,
                form.levels(),
                form.scales(),
                form.source(),
                form.quantReader(),
                form.scaleReader());
    }

    /** Of all kernels one is wrong. */
    private record OneWrong(Emitter right, int few, int tile) implements Emitter {
        @Override
        public String name() {
            return right.name();
        }

        @Override
        public int mostOfFew() {
            return right.mostOfFew();
        }

        @Override
        public int mostOfPasses() {
            return right.mostOfPasses();
        }

        @Override
        public int mostOfTile() {
            return right.mostOfTile();
        }

        @Override
        public byte[] few(Form form, int inputs) {
            return right.few(inputs == few ? wrong(form) : form, inputs);
        }

        @Override
        public byte[] unpack(Form form) {
            return right.unpack(form);
        }

        @Override
        public byte[] tile(TileShape shape, int inputs) {
            int center = shape.center() / 2;
            return right.tile(
                    inputs == tile ? new TileShape(center, shape.largest(), shape.halves(), shape.minima()) : shape,
                    inputs);
        }

        @Override
        public byte[] round() {
            return right.round();
        }

        @Override
        public byte @Nullable [] pack(Form form, Source source) {
            return right.pack(form, source);
        }

        @Override
        public int mostOfHalves() {
            return right.mostOfHalves();
        }

        @Override
        public byte[] halves(DType dtype, int inputs) {
            return right.halves(dtype, inputs);
        }

        @Override
        public byte @Nullable [] packHalves(DType dtype) {
            return right.packHalves(dtype);
        }
    }

    private static String check(Form form, Emitter emitter) {
        Tensor weight = RandomWeights.matrix(form.dtype(), 512, Form.ROWS, new Random(11));
        KernelCode code = new KernelCode(form, emitter, KernelCode.tiles(form.tileShape(), emitter));
        GroupKernel kernel = MachineKernel.of(weight, code, RepackMemory.of(Arena.ofAuto()), POOL);
        return SelfCheck.failure(kernel, weight, POOL);
    }

    /** Whatever number of inputs calls it. */
    @Test
    void theSelfCheckRunsEveryKernelThatIsEverCalled() {
        Form form = Objects.requireNonNull(Form.of(DType.Q4_0));
        Emitter right = KernelCode.emitter();
        assertThat(check(form, right)).isEmpty();
        for (int few = 1; few <= right.mostOfFew(); few++) {
            assertThat(check(form, new OneWrong(right, few, 0)))
                    .as("few %d", few)
                    .isNotEmpty();
        }
        Set<Integer> called = new TreeSet<>();
        for (int inputs = right.mostOfPasses() + 1; inputs <= 512; inputs++) {
            int tiles = Math.ceilDiv(inputs, right.mostOfTile());
            called.add(inputs / tiles);
            called.add(Math.ceilDiv(inputs, tiles));
        }
        for (int tile : called) {
            assertThat(check(form, new OneWrong(right, 0, tile)))
                    .as("tile %d", tile)
                    .isNotEmpty();
        }
    }

    /** Who asks while a check runs gets its verdict, not one before it. */
    @Test
    void aVerdictIsThatOfTheCheckForAllWhoAsk() throws Exception {
        CheckedCode code = new KernelCode(Objects.requireNonNull(Form.of(DType.Q4_0)));
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch end = new CountDownLatch(1);
        AtomicInteger told = new AtomicInteger();
        Supplier<String> slow = () -> {
            begun.countDown();
            try {
                assertThat(end.await(60, TimeUnit.SECONDS)).isTrue();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            return "row 1 differs";
        };
        try (ExecutorService threads = Executors.newFixedThreadPool(2)) {
            Future<Boolean> first = threads.submit(() -> code.isRight(slow, reason -> told.incrementAndGet()));
            assertThat(begun.await(60, TimeUnit.SECONDS)).isTrue();
            Future<Boolean> second = threads.submit(() -> code.isRight(() -> "", reason -> told.incrementAndGet()));
            assertThatThrownBy(() -> second.get(100, TimeUnit.MILLISECONDS)).isInstanceOf(TimeoutException.class);
            end.countDown();
            assertThat(first.get()).isFalse();
            assertThat(second.get()).isFalse();
            assertThat(told).hasValue(1);
        }
    }

    @Test
    void aCheckThatFailsItselfIsMadeAgain() {
        CheckedCode code = new KernelCode(Objects.requireNonNull(Form.of(DType.Q4_0)));
        Supplier<String> broken = () -> {
            throw new OutOfMemoryError("for the check");
        };
        assertThatThrownBy(() -> code.isRight(broken, reason -> {})).isInstanceOf(OutOfMemoryError.class);
        assertThat(code.isRight(() -> "", reason -> {})).isTrue();
    }

    /** Several models that are loaded at once, on a processor that runs the code otherwise than written. */
    @Test
    void noLoadUsesKernelsThatAreWrong() throws Exception {
        Tensor weight = RandomWeights.matrix(DType.Q4_0, 2048, 20 * Form.ROWS, new Random(13));
        for (int i = 0; i < 10; i++) {
            KernelFamily family = new MachineKernelFamily(
                    new ScalarKernelFamily(), dtype -> wrong(Objects.requireNonNull(Form.of(dtype))), null);
            CountDownLatch start = new CountDownLatch(1);
            Callable<String> load = () -> {
                try (WorkerPool pool = new WorkerPool(1)) {
                    start.await();
                    return family.kernel(weight, LoadOptions.DEFAULT, RepackMemory.of(Arena.ofAuto()), pool)
                            .description();
                }
            };
            try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
                List<Future<String>> loads =
                        Stream.generate(() -> threads.submit(load)).limit(4).toList();
                start.countDown();
                for (Future<String> loaded : loads) {
                    assertThat(loaded.get()).startsWith("scalar");
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("halves")
    void theSelfCheckFindsAHalfThatDiffers(DType dtype) {
        Tensor weight = RandomWeights.matrix(dtype, 64, Form.ROWS, new Random(11));
        AtomicReference<MemorySegment> copy = new AtomicReference<>(MemorySegment.NULL);
        RepackMemory memory = bytes -> copy.updateAndGet(none -> Arena.ofAuto().allocate(bytes, 64));
        GroupKernel kernel = HalfKernel.of(weight, new HalfCode(dtype), memory, POOL);
        assertThat(SelfCheck.failure(kernel, weight, POOL)).isEmpty();
        copy.get().set(ValueLayout.JAVA_SHORT, 63 * HalfEmitter.columnBytes(dtype) + 7 * 2, (short) 0x4400); // row 7
        assertThat(SelfCheck.failure(kernel, weight, POOL)).contains(weight.name() + ", row 7");
    }
}
