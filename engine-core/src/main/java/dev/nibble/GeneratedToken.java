package dev.nibble;

/**
 * One step of a generation.
 *
 * @param id the token
 * @param text what this step adds to the text. Never half a character and never part of a stop string, so it may be
 *     empty and a later token's text may carry what was held back; the texts joined are {@link Generation#text()}
 * @param logProbability natural logarithm of the probability the model itself gave the token, before any bias, penalty
 *     or sampling option
 */
public record GeneratedToken(int id, String text, float logProbability) {}
