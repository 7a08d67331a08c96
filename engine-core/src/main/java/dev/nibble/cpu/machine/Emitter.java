package dev.nibble.cpu.machine;

import dev.nibble.tensor.DType;
import org.jspecify.annotations.Nullable;

/** Writes the kernels for one kind of processor. The arguments of the code it writes are longs, addresses most of them. */
interface Emitter {
    /** What it is for, in a word or two. */
    String name();

    /** Input rows (tokens) up to which {@link #few} is there. */
    int mostOfFew();

    /** Input rows up to which {@link #few} is called for parts of them, one after the other, and not {@link #tile}. */
    default int mostOfPasses() {
        return mostOfFew();
    }

    /** Input rows of a tile, up to which {@link #tile} is there. */
    int mostOfTile();

    /**
     * Multiplies groups of rows by few inputs, straight from their {@link Form}: weights, {@link Activations} of the first
     * input, bytes from input to input, groups, blocks of a row, outputs as floats [inputs, groups, 16].
     */
    byte[] few(Form form, int inputs);

    /** Unpacks a group of rows to a {@link TileShape}: weights, the tile, blocks of a row. */
    byte[] unpack(Form form);

    /**
     * Multiplies an unpacked group of rows by some inputs: the tile, {@link Activations} of the first input, bytes from
     * input to input, blocks of a row, 16 outputs of the first input as floats, bytes from there to those of the next.
     */
    byte[] tile(TileShape shape, int inputs);

    /** Rounds a row to {@link Activations}: the row, the blocks to be written, their number. */
    byte[] round();

    /** What {@link PackingEmitter} says; null where {@link SourcePacker} does it. */
    byte @Nullable [] pack(Form form, Source source);

    /** Input rows up to which {@link #halves} is there. */
    int mostOfHalves();

    /** Multiplies by weights of floats, see {@link HalfEmitter#multiply}. */
    byte[] halves(DType dtype, int inputs);

    /** What {@link HalfEmitter#pack} says; null where {@link HalfKernel} does it. */
    byte @Nullable [] packHalves(DType dtype);
}
