package uk.ac.manchester.tornado.api;

public class GridScheduler {
    public GridScheduler() {
        throw Declarations.only();
    }

    public void addWorkerGrid(String taskName, WorkerGrid workerGrid) {
        throw Declarations.only();
    }
}
