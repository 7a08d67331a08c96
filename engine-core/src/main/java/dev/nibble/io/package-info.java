/** Writing files so that a failure leaves nothing half done. */
@NullMarked
package dev.nibble.io;

import org.jspecify.annotations.NullMarked;
