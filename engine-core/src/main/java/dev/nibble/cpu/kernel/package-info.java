/**
 * Matrix multiplication as the rest sees it: what a kernel and a family of kernels are, the layers made of them, and their
 * inputs. The families themselves are in packages beside this one.
 */
@NullMarked
package dev.nibble.cpu.kernel;

import org.jspecify.annotations.NullMarked;
