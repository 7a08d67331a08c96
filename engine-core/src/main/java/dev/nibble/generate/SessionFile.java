package dev.nibble.generate;

import dev.nibble.ContextOverflowException;
import dev.nibble.KvCacheType;
import dev.nibble.KvCacheTypes;
import dev.nibble.SessionFileException;
import dev.nibble.io.OutputFile;
import java.io.EOFException;
import java.io.IOException;
import java.io.StreamCorruptedException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * A session in a file, which appears whole or not at all. Numbers are little-endian:
 *
 * <pre>
 * 8   NIBBLESN
 * 4   version, 1
 * 32  fingerprint of the model
 * 2   type of the keys: 0 for F32, 1 for F16, 2 for Q8_0, 3 for Q4_0
 * 2   0 if the values have the same, else one more than the number of their type
 * 4   tokens that the session can hold
 * 4   tokens it holds
 * 4   tokens of these that are evaluated
 * 4   scores of the next token: as many as the vocabulary has, or 0
 * 4×  the tokens, the scores
 * 4   tokens of the source, of a model with an encoder, and
 * 4×  these
 *     what the model remembers of the evaluated tokens, as the backend writes it
 * 8   CRC-32C of everything before
 * </pre>
 */
public final class SessionFile {
    private static final byte[] MAGIC = {'N', 'I', 'B', 'B', 'L', 'E', 'S', 'N'};
    private static final int VERSION = 1;
    private static final int HEADER_BYTES = MAGIC.length + 4 + ModelFingerprint.BYTES + 5 * 4;
    private static final int CHECKSUM_BYTES = 8;

    private final Path file;
    private final byte[] fingerprint;
    private final int vocabSize;

    /**
     * A file for a session of a model.
     *
     * @param fingerprint as {@link ModelFingerprint} says
     * @param vocabSize of the model
     */
    public SessionFile(Path file, byte[] fingerprint, int vocabSize) {
        this.file = file;
        this.fingerprint = fingerprint;
        this.vocabSize = vocabSize;
    }

    /**
     * What a file says of its session before it is restored.
     *
     * @param count tokens it holds
     */
    public record Header(KvCacheTypes types, int contextLength, int count, int evaluated, int scores) {}

    /** Opens a context for what a file holds. */
    @FunctionalInterface
    public interface Opening {
        TokenContext open(Header header);
    }

    /**
     * Writes a session.
     *
     * @throws IOException if it cannot be written; what was there under the name is as it was
     */
    public void save(TokenContext context) throws IOException {
        float[] scores = context.knownLogits();
        int[] source = context.source();
        int sourceBytes = context.hasEncoder() ? 4 + 4 * source.length : 0;
        ByteBuffer head =
                buffer(HEADER_BYTES + 4 * context.count() + (scores == null ? 0 : 4 * scores.length) + sourceBytes);
        head.put(MAGIC).putInt(VERSION).put(fingerprint);
        KvCacheTypes types = context.types();
        head.putShort(code(types.keys())).putShort((short) (types.areSame() ? 0 : 1 + code(types.values())));
        head.putInt(context.capacity());
        head.putInt(context.count()).putInt(context.sequence().length());
        head.putInt(scores == null ? 0 : scores.length);
        for (int i = 0; i < context.count(); i++) {
            head.putInt(context.tokens()[i]);
        }
        for (int i = 0; scores != null && i < scores.length; i++) {
            head.putFloat(scores[i]);
        }
        if (context.hasEncoder()) {
            head.putInt(source.length);
            for (int token : source) {
                head.putInt(token);
            }
        }
        try (OutputFile output = OutputFile.create(file)) {
            Written out = new Written(output.channel());
            out.write(head.flip());
            context.sequence().save(out);
            long checksum = out.checksum.getValue();
            output.channel().write(buffer(CHECKSUM_BYTES).putLong(checksum).flip());
            output.commit();
        }
    }

    /**
     * Reads a session.
     *
     * @param opening opens an empty context of the types in the header
     * @throws IOException if the file cannot be read
     * @throws SessionFileException if it is not a whole file of a session of this model and version
     */
    public TokenContext restore(Opening opening) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            Read in = new Read(channel);
            TokenContext context = null;
            boolean whole = false;
            try {
                Header header = header(in, channel.size());
                int[] tokens = tokens(in, header.count());
                float[] scores = new float[header.scores()];
                ByteBuffer values = in.take(4 * scores.length);
                for (int i = 0; i < scores.length; i++) {
                    scores[i] = values.getFloat();
                }
                context = opening.open(header);
                if (header.count() > context.capacity()) {
                    throw new ContextOverflowException(header.count(), context.capacity(), context.capacity());
                }
                int[] source = context.hasEncoder() ? source(in, context.capacity()) : new int[0];
                context.sequence().restore(in, header.evaluated());
                long checksum = in.checksum.getValue();
                if (in.take(CHECKSUM_BYTES).getLong() != checksum) {
                    throw damaged("its checksum is another", null);
                }
                if (channel.position() != channel.size()) {
                    throw damaged("something follows its end", null);
                }
                context.resume(source, tokens, scores.length == 0 ? null : scores);
                whole = true;
                return context;
            } catch (EOFException | StreamCorruptedException e) {
                throw damaged("it was cut or changed (" + e.getMessage() + ")", e);
            } finally {
                if (context != null && !whole) {
                    context.close();
                }
            }
        }
    }

    private int[] source(Read in, int capacity) throws IOException {
        int count = in.take(4).getInt();
        if (count < 0 || count > capacity) {
            throw damaged("a source of " + count + " tokens does not fit " + capacity, null);
        }
        return tokens(in, count);
    }

    private int[] tokens(Read in, int count) throws IOException {
        ByteBuffer values = in.take(4 * count);
        int[] tokens = new int[count];
        for (int i = 0; i < count; i++) {
            tokens[i] = values.getInt();
            if (tokens[i] < 0 || tokens[i] >= vocabSize) {
                throw damaged("token " + tokens[i] + " is not in the vocabulary of " + vocabSize, null);
            }
        }
        return tokens;
    }

    private Header header(Read in, long size) throws IOException {
        ByteBuffer head = in.take((int) Math.min(size, HEADER_BYTES));
        if (size < MAGIC.length || !Arrays.equals(MAGIC, bytes(head, MAGIC.length))) {
            throw new SessionFileException(file + " is not a saved session");
        }
        if (size < HEADER_BYTES + CHECKSUM_BYTES) {
            throw damaged("it has only " + size + " bytes", null);
        }
        int version = head.getInt();
        if (version != VERSION) {
            throw new SessionFileException(file + " is a session of version " + version
                    + ", but this library reads version " + VERSION + "; save it again with this library");
        }
        if (!Arrays.equals(fingerprint, bytes(head, fingerprint.length))) {
            throw new SessionFileException(file + " is a session of another model, or of other adapters");
        }
        KvCacheTypes types = types(head.getShort(), head.getShort());
        Header header = new Header(types, head.getInt(), head.getInt(), head.getInt(), head.getInt());
        if (header.contextLength() < 1
                || header.count() < 0
                || header.count() > header.contextLength()
                || header.evaluated() < 0
                || header.evaluated() > header.count()
                || (header.scores() != 0 && header.scores() != vocabSize)
                || 4L * (header.count() + (long) header.scores()) > size - HEADER_BYTES - CHECKSUM_BYTES) {
            throw damaged("its header says what cannot be: " + header, null);
        }
        return header;
    }

    private static short code(KvCacheType type) {
        return switch (type) {
            case F32 -> 0;
            case F16 -> 1;
            case Q8_0 -> 2;
            case Q4_0 -> 3;
        };
    }

    private KvCacheTypes types(int keys, int values) {
        KvCacheType keyType = type(keys);
        return new KvCacheTypes(keyType, values == 0 ? keyType : type(values - 1));
    }

    private KvCacheType type(int code) {
        return switch (code) {
            case 0 -> KvCacheType.F32;
            case 1 -> KvCacheType.F16;
            case 2 -> KvCacheType.Q8_0;
            case 3 -> KvCacheType.Q4_0;
            default -> throw damaged("there is no type " + code + " of KV caches", null);
        };
    }

    private SessionFileException damaged(String how, @Nullable Throwable cause) {
        String message = file + " is a damaged session: " + how;
        return cause == null ? new SessionFileException(message) : new SessionFileException(message, cause);
    }

    private static byte[] bytes(ByteBuffer from, int count) {
        byte[] bytes = new byte[count];
        from.get(bytes);
        return bytes;
    }

    private static ByteBuffer buffer(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** Adds up what is written. */
    private static final class Written implements WritableByteChannel {
        private final WritableByteChannel channel;
        private final CRC32C checksum = new CRC32C();

        Written(WritableByteChannel channel) {
            this.channel = channel;
        }

        @Override
        public int write(ByteBuffer bytes) throws IOException {
            checksum.update(bytes.duplicate());
            return channel.write(bytes); // takes all of them
        }

        @Override
        public boolean isOpen() {
            return channel.isOpen();
        }

        @Override
        public void close() throws IOException {
            channel.close();
        }
    }

    /** Adds up what is read. */
    private static final class Read implements ReadableByteChannel {
        private final ReadableByteChannel channel;
        private final CRC32C checksum = new CRC32C();

        Read(ReadableByteChannel channel) {
            this.channel = channel;
        }

        /** The next bytes, all of them. */
        ByteBuffer take(int count) throws IOException {
            ByteBuffer buffer = buffer(count);
            while (buffer.hasRemaining()) {
                if (read(buffer) < 0) {
                    throw new EOFException("it ends too early");
                }
            }
            return buffer.flip();
        }

        @Override
        public int read(ByteBuffer bytes) throws IOException {
            int from = bytes.position();
            int count = channel.read(bytes);
            if (count > 0) {
                checksum.update(bytes.slice(from, count));
            }
            return count;
        }

        @Override
        public boolean isOpen() {
            return channel.isOpen();
        }

        @Override
        public void close() throws IOException {
            channel.close();
        }
    }
}
