/**
 * What runs on the device: static methods that TornadoVM compiles, and that are plain Java everywhere else.
 *
 * <p>They keep to what its compilers translate rightly: no unsigned shift, no {@code & 0xff}, no half-precision library
 * call, at most 15 parameters, local variable tables in the class files. A test reads the class files for these.
 */
@NullMarked
package dev.nibble.tornado.kernels;

import org.jspecify.annotations.NullMarked;
