package dev.nibble.tornado;

import java.util.List;

/**
 * Launches that run one after the other.
 *
 * @param name unique in a program
 * @param uploads arrays copied to the device before each run; no other graph uses them unless they are {@code shared}
 * @param launches in order
 * @param downloads arrays copied to the host after each run
 */
record Graph(String name, List<Object> uploads, List<Launch> launches, List<Object> downloads) {}
