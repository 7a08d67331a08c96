package dev.nibble.cli.models;

/** Hears what is being done to get a model. */
public interface Reporter {

    /** Says nothing. */
    Reporter SILENT = new Reporter() {
        @Override
        public void say(String line) {}

        @Override
        public Progress start(String what, long total) {
            return bytes -> {};
        }
    };

    /** One line for the user. */
    void say(String line);

    /**
     * Something that takes time begins.
     *
     * @param what a short name, as the file's
     * @param total bytes to come in all, -1 if unknown
     */
    Progress start(String what, long total);

    /** The progress of one thing. */
    interface Progress extends AutoCloseable {

        /** The total is known now, as it was not at the start. */
        default void total(long bytes) {}

        /** So many bytes are there, of the total. */
        void at(long bytes);

        @Override
        default void close() {}
    }
}
