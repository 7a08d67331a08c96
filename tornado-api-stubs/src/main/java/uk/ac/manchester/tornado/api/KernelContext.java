package uk.ac.manchester.tornado.api;

/** Ids, barriers and local memory of a work-item. Outside a device the ids are 0. */
public class KernelContext {
    public final Integer globalIdx = 0;
    public final Integer groupIdx = 0;
    public final Integer localIdx = 0;

    public KernelContext() {}

    public void localBarrier() {}

    public float[] allocateFloatLocalArray(int size) {
        return new float[size];
    }
}
