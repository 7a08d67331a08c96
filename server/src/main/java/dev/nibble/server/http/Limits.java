package dev.nibble.server.http;

import java.time.Duration;

/**
 * What a connection may take.
 *
 * @param maxBody bytes of a body at most
 * @param maxCalls requests at a time, those that wait included
 * @param beat how long nothing may be sent while an answer is made
 * @param patience how long a client may keep a read or a write waiting
 */
public record Limits(int maxBody, int maxCalls, Duration beat, Duration patience) {}
