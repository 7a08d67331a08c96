package dev.nibble.cpu.vector;

/** As many tokens in a panel as a vector has lanes. */
final class TokensInLanes extends TokenPanels {
    TokensInLanes() {
        super(Lanes.COUNT);
    }
}
