package dev.nibble.cpu.vector;

/** As many input rows in a panel as a vector has lanes. */
final class InputsInLanes extends InputPanels {
    InputsInLanes() {
        super(Lanes.COUNT);
    }
}
