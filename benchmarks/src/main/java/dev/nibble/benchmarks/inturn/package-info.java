/** Versions of Nibble beside each other in one virtual machine: {@code benchmarks/in-turn}. */
package dev.nibble.benchmarks.inturn;
