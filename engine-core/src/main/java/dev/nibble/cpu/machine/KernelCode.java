package dev.nibble.cpu.machine;

import dev.nibble.cpu.kernel.KernelSettings;
import dev.nibble.cpu.machine.Assembler.Width;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** The kernels of a quantized type in this process: written when first asked for, then kept. */
final class KernelCode extends CheckedCode {
    /** How this processor's are written, or why there are none. */
    record Choice(@Nullable Emitter emitter, String failure) {}

    private static final class Chosen {
        static final Choice CHOICE = choose();
    }

    /** What all types share; not to be touched where there is no emitter. */
    private static final class Shared {
        static final Emitter EMITTER = emitter(Chosen.CHOICE);
        static final MachineCode QUANTIZE = MachineCode.load(EMITTER.round());
        static final Map<TileShape, MachineCode[]> TILES = new ConcurrentHashMap<>();

        private static Emitter emitter(Choice choice) {
            if (choice.emitter == null) {
                throw new IllegalStateException(choice.failure);
            }
            return choice.emitter;
        }
    }

    private final Form form;
    private final @Nullable MachineCode pack;
    private final MachineCode unpack;
    private final MachineCode[] few;
    private final int mostOfPasses;
    private final MachineCode[] tiles;

    /** The kernels of a form. */
    KernelCode(Form form) {
        this(form, emitter(), Shared.TILES.computeIfAbsent(form.tileShape(), shape -> tiles(shape, Shared.EMITTER)));
    }

    KernelCode(Form form, Emitter emitter, MachineCode[] tiles) {
        this.form = form;
        this.tiles = tiles;
        Source source = form.source();
        byte[] packing = source == null ? null : emitter.pack(form, source);
        pack = packing == null ? null : MachineCode.load(packing);
        unpack = MachineCode.load(emitter.unpack(form));
        mostOfPasses = emitter.mostOfPasses();
        few = new MachineCode[emitter.mostOfFew()];
        for (int i = 0; i < few.length; i++) {
            few[i] = MachineCode.load(emitter.few(form, i + 1));
        }
    }

    static MachineCode[] tiles(TileShape shape, Emitter emitter) {
        MachineCode[] tiles = new MachineCode[emitter.mostOfTile()];
        for (int i = 0; i < tiles.length; i++) {
            tiles[i] = MachineCode.load(emitter.tile(shape, i + 1));
        }
        return tiles;
    }

    /** Why there are no kernels of machine code here; empty if there are. */
    static String failure() {
        return MachineCode.isAllowed()
                ? Chosen.CHOICE.failure
                : "native access is not enabled; start java with --enable-native-access=ALL-UNNAMED, or"
                        + " =dev.nibble.core on the module path";
    }

    static Emitter emitter() {
        return Shared.EMITTER;
    }

    private static Choice choose() {
        if (!MachineCode.isSupported()) {
            return new Choice(
                    null,
                    "machine code is written for Linux, macOS and Windows on x86-64, Linux and macOS on ARM64 only");
        }
        try {
            if (MachineCode.isArm64()) {
                return new Choice(new NeonEmitter(Arm64Processor.ask()), "");
            }
            Processor processor = Processor.ask();
            int bits = KernelSettings.vectorBits(); // forbids the wider vectors, as it does in the Vector API's kernels
            if (processor.hasAvx512Vnni() && (bits == 0 || bits == Width.ZMM.bytes * Byte.SIZE)) {
                return new Choice(new Avx512Emitter(), "");
            }
            if (processor.hasAvx2()) {
                return new Choice(new Avx2Emitter(), "");
            }
            return new Choice(null, "the processor has no AVX2");
        } catch (UnsupportedOperationException e) {
            return new Choice(null, String.valueOf(e.getMessage()));
        }
    }

    /** {@link Emitter#round}. */
    static MachineCode quantize() {
        return Shared.QUANTIZE;
    }

    Form form() {
        return form;
    }

    /** Whether there is code that packs. */
    boolean packs() {
        return pack != null;
    }

    /**
     * Runs {@link PackingEmitter}'s code on a group of rows with {@code columns} columns.
     *
     * @throws IllegalStateException if no code {@link #packs}
     */
    void pack(long rows, long to, long rowBytes, int columns, long scales) {
        Source source = form.source();
        if (pack == null || source == null) {
            throw new IllegalStateException("no code packs " + form.dtype());
        }
        pack.call(rows, to, rowBytes, columns / (source.blocks() * Form.BLOCK), scales, 0);
    }

    /** {@link Emitter#few} for 1 to {@link #mostOfFew} inputs. */
    MachineCode few(int inputs) {
        return few[inputs - 1];
    }

    int mostOfFew() {
        return few.length;
    }

    /** {@link Emitter#mostOfPasses}. */
    int mostOfPasses() {
        return mostOfPasses;
    }

    /** {@link Emitter#unpack}. */
    MachineCode unpack() {
        return unpack;
    }

    /** {@link Emitter#tile} for 1 to {@link #mostOfTile} inputs. */
    MachineCode tile(int inputs) {
        return tiles[inputs - 1];
    }

    int mostOfTile() {
        return tiles.length;
    }
}
