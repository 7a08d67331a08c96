/** One file an architecture: its hyperparameters, its tensors, its blocks. Nothing else knows an architecture's name. */
@NullMarked
package dev.nibble.model.arch;

import org.jspecify.annotations.NullMarked;
