package dev.nibble.cpu.machine;

import static dev.nibble.cpu.machine.Assembler.R10;
import static dev.nibble.cpu.machine.Assembler.RBX;
import static dev.nibble.cpu.machine.Assembler.RDI;

import dev.nibble.cpu.machine.Assembler.Condition;
import dev.nibble.cpu.machine.Assembler.Label;

/** Writes the loop over the blocks of a group of rows in their {@link Form}, super-block by super-block where there are any. */
final class BlockLoop {
    private BlockLoop() {}

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
            superBlock.run();
            a.increase(RDI, form.scales().superBytes);
            a.mov32(RBX, Form.SUPER_BLOCKS);
            Label inSuperBlock = new Label();
            a.place(inSuperBlock);
            body.run();
            a.decrement(RBX);
            a.jump(Condition.NOT_EQUAL, inSuperBlock);
            a.decrease(R10, Form.SUPER_BLOCKS);
        } else {
            body.run();
            a.decrease(R10, 1);
        }
        a.jump(Condition.NOT_EQUAL, nextBlock);
    }
}
