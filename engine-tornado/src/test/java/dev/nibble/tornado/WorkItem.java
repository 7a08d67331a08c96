package dev.nibble.tornado;

import java.lang.reflect.Field;
import uk.ac.manchester.tornado.api.KernelContext;

/** A work-item's context: its ids, and the group's barrier and local memory. */
final class WorkItem extends KernelContext {
    private static final Field GLOBAL = field("globalIdx");
    private static final Field GROUP = field("groupIdx");
    private static final Field LOCAL = field("localIdx");

    private final WorkGroup group;
    private final int lane;
    private final int lanes;
    private int allocated;

    WorkItem(WorkGroup group, int lane, int lanes) {
        this.group = group;
        this.lane = lane;
        this.lanes = lanes;
        set(LOCAL, lane);
    }

    private static Field field(String name) {
        try {
            Field field = KernelContext.class.getField(name);
            field.setAccessible(true); // final, but not static: what TornadoVM replaces, an emulation may set
            return field;
        } catch (NoSuchFieldException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private void set(Field field, int value) {
        try {
            field.set(this, value);
        } catch (IllegalAccessException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Becomes a work-item of another group. */
    void enter(int groupIndex) {
        allocated = 0;
        set(GROUP, groupIndex);
        set(GLOBAL, groupIndex * lanes + lane);
    }

    @Override
    public void localBarrier() {
        group.await();
    }

    @Override
    public float[] allocateFloatLocalArray(int size) {
        return group.array(allocated++, size);
    }
}
