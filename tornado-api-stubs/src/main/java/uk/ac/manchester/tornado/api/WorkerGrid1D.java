package uk.ac.manchester.tornado.api;

public class WorkerGrid1D implements WorkerGrid {
    public WorkerGrid1D(int x) {
        throw Declarations.only();
    }

    @Override
    public void setGlobalWork(long x, long y, long z) {
        throw Declarations.only();
    }

    @Override
    public void setLocalWork(long x, long y, long z) {
        throw Declarations.only();
    }
}
