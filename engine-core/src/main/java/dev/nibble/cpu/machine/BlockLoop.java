package dev.nibble.cpu.machine;

import static dev.nibble.cpu.machine.Assembler.R10;
import static dev.nibble.cpu.machine.Assembler.RBX;
import static dev.nibble.cpu.machine.Assembler.RDI;
import static dev.nibble.cpu.machine.Assembler.at;
import static dev.nibble.cpu.machine.Quants.LINE;

import dev.nibble.cpu.machine.Assembler.Condition;
import dev.nibble.cpu.machine.Assembler.Label;

/** Writes the loop over the blocks of a group of rows in their {@link Form}, super-block by super-block where there are any. */
final class BlockLoop {
    /**
     * How far ahead of where they are read weights are asked of memory. Between one line and the next the code does so much that
     * the processor itself does not ask far enough: on Zen 5 a core gets 8 GB/s with 8 inputs without, 25 with. Nearer than 8 KiB
     * lines come too late, at 32 KiB they push each other out of the first-level cache.
     */
    private static final int AHEAD = 12 << 10;

    private BlockLoop() {}

    /** Asks for weights that are read later: as many bytes as are read now. */
    static void prefetch(Assembler a, int bytes) {
        for (int at = 0; at < bytes; at += LINE) {
            a.prefetch(at(RDI, AHEAD + at));
        }
    }

    /**
     * The weights are at rdi, which the body moves to the next block; r10 and rbx count.
     *
     * @param blocks the register that has their number, which stays
     * @param superBlock what is done at the scales of a super-block, where rdi is then
     * @param body what is done with a block
     */
    static void emit(Assembler a, Form form, int blocks, Runnable superBlock, Runnable body) {
        a.mov(R10, blocks);
        Label nextBlock = new Label();
        a.place(nextBlock);
        if (form.hasSuperBlocks()) {
            prefetch(a, form.scales().superBytes);
            superBlock.run();
            a.increase(RDI, form.scales().superBytes);
            a.mov32(RBX, Form.SUPER_BLOCKS);
            Label inSuperBlock = new Label();
            a.place(inSuperBlock);
            prefetch(a, form.blockBytes());
            body.run();
            a.decrement(RBX);
            a.jump(Condition.NOT_EQUAL, inSuperBlock);
            a.decrease(R10, Form.SUPER_BLOCKS);
        } else {
            prefetch(a, form.blockBytes());
            body.run();
            a.decrease(R10, 1);
        }
        a.jump(Condition.NOT_EQUAL, nextBlock);
    }
}
