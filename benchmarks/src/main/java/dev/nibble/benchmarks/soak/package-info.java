/** Hours of use in minutes, with everything that may go wrong going wrong: {@code benchmarks/soak}. */
package dev.nibble.benchmarks.soak;
