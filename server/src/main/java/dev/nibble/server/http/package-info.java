/** HTTP for all dialects: the transport, routes, who may ask, requests and answers. */
@NullMarked
package dev.nibble.server.http;

import org.jspecify.annotations.NullMarked;
