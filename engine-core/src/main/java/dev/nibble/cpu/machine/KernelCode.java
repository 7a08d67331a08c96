package dev.nibble.cpu.machine;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** The kernels of this process: written when first asked for, then kept. */
final class KernelCode {
    /** How this processor's are written, or why there are none. */
    record Choice(@Nullable Emitter emitter, String failure) {}

    private static final class Chosen {
        static final Choice CHOICE = choose();
        static final Emitter EMITTER = emitter(CHOICE);
        static final MachineCode QUANTIZE = MachineCode.load(RoundingEmitter.emit());
        static final Map<TileShape, MachineCode[]> TILES = new ConcurrentHashMap<>();

        private static Emitter emitter(Choice choice) {
            if (choice.emitter == null) {
                throw new IllegalStateException(choice.failure);
            }
            return choice.emitter;
        }
    }

    private final Form form;
    private final MachineCode unpack;
    private final MachineCode[] few;
    private final MachineCode[] tiles;

    /** The kernels of a form. */
    KernelCode(Form form) {
        this.form = form;
        Emitter emitter = emitter();
        unpack = MachineCode.load(emitter.unpack(form));
        few = new MachineCode[emitter.mostOfFew()];
        for (int i = 0; i < few.length; i++) {
            few[i] = MachineCode.load(emitter.few(form, i + 1));
        }
        tiles = Chosen.TILES.computeIfAbsent(form.tileShape(), shape -> {
            MachineCode[] code = new MachineCode[emitter.mostOfTile()];
            for (int i = 0; i < code.length; i++) {
                code[i] = MachineCode.load(emitter.tile(shape, i + 1));
            }
            return code;
        });
    }

    /** Why there are no kernels of machine code here; empty if there are. */
    static String failure() {
        return MachineCode.isAllowed() ? Chosen.CHOICE.failure : "native access is not enabled";
    }

    static Emitter emitter() {
        return Chosen.EMITTER;
    }

    private static Choice choose() {
        if (!MachineCode.isSupported()) {
            return new Choice(null, "they are written for Linux and macOS on x86-64");
        }
        try {
            Processor processor = Processor.ask();
            if (processor.hasAvx512Vnni()) {
                return new Choice(new Avx512Emitter(), "");
            }
            return new Choice(null, "the processor has no AVX-512 with VNNI");
        } catch (UnsupportedOperationException e) {
            return new Choice(null, String.valueOf(e.getMessage()));
        }
    }

    /** {@link RoundingEmitter}. */
    static MachineCode quantize() {
        return Chosen.QUANTIZE;
    }

    Form form() {
        return form;
    }

    /** {@link Emitter#few} for 1 to {@link #mostOfFew} inputs. */
    MachineCode few(int inputs) {
        return few[inputs - 1];
    }

    int mostOfFew() {
        return few.length;
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
