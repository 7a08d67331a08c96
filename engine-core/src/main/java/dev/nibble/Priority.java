package dev.nibble;

/**
 * Which sessions of a model go first where not all of them fit into a batch, and how they share the room for prompts. Lower ones get
 * less, never nothing: who was passed over a few times goes before the next higher ones.
 */
public enum Priority {
    /** For what nobody waits for: a prompt gets a quarter of the rows that a normal one gets. */
    LOW,
    /** The default. */
    NORMAL,
    /** For what somebody waits for: a prompt gets four times the rows that a normal one gets. */
    HIGH
}
