package dev.nibble.model;

/** A model as data, for a backend to run. */
public record Model(String name) {}
