package dev.nibble.tornado.kernels;

/**
 * Where the kernels find what differs from launch to launch. All of it is numbers in arrays, so that layers of one shape
 * share their compiled kernels.
 *
 * <p>{@code step} holds the row of {@code table} that is meant and, for the logits, the row of the batch. {@code batch}
 * holds the number of rows, the positions of the KV cache, for each row its token, its position and where its page
 * numbers begin, then the page numbers. {@code table} has a row for each layer: byte offsets of its weights, offsets of
 * its vectors in {@code vectors} (-1 for none), and where its scalars begin there.
 */
public final class Layout {
    /** Of {@code step}. */
    public static final int TABLE_ROW = 0;

    public static final int INPUT_ROW = 1;
    public static final int STEP_SIZE = 2;

    /** Of {@code batch}. */
    public static final int ROWS = 0;

    public static final int SLOTS = 1;
    public static final int BATCH_HEADER = 2;
    public static final int ROW_SIZE = 3;
    public static final int TOKEN = 0;
    public static final int POSITION = 1;
    public static final int PAGES = 2;

    /** Positions of a page of the KV cache, as a power of two. */
    public static final int PAGE_BITS = 6;

    public static final int PAGE = 1 << PAGE_BITS;

    /** Projections of a layer: the columns of their weights, of their biases, and their scales. */
    public static final int QUERY = 0;

    public static final int KEY = 1;
    public static final int VALUE = 2;
    public static final int OUTPUT = 3;
    public static final int GATE = 4;
    public static final int UP = 5;
    public static final int DOWN = 6;
    public static final int PROJECTIONS = 7;
    public static final int BIAS = PROJECTIONS;

    /** Columns of the projections' numbers of outputs. */
    public static final int OUTPUTS = 2 * PROJECTIONS;

    /** Columns of the norms' gains. */
    public static final int NORMS = 3 * PROJECTIONS;

    public static final int ATTENTION_NORM = NORMS;
    public static final int FFN_NORM = NORMS + 1;
    public static final int QUERY_NORM = NORMS + 2;
    public static final int KEY_NORM = NORMS + 3;
    public static final int ATTENTION_POST_NORM = NORMS + 4;
    public static final int FFN_POST_NORM = NORMS + 5;
    public static final int NORM_COUNT = 6;
    public static final int NO_NORM = -1;

    /** Column of the scalars' offset. */
    public static final int SCALARS = NORMS + NORM_COUNT;

    /** Column of the window: positions a query sees, 0 for all. */
    public static final int WINDOW = SCALARS + 1;

    /** Column of the rotation's tables, -1 for none. */
    public static final int ROPE = SCALARS + 2;

    /** Column of the layer's place in the KV cache. */
    public static final int CACHE = SCALARS + 3;

    public static final int COLUMNS = SCALARS + 4;

    /** Scalars: the projections' scales, the norms' epsilons, and others. */
    public static final int EPSILONS = PROJECTIONS;

    public static final int SCORE_SCALE = EPSILONS + NORM_COUNT;
    public static final int SCORE_SOFTCAP = SCORE_SCALE + 1;
    public static final int RESIDUAL_SCALE = SCORE_SCALE + 2;
    /** Growth of the queries with the position: scale (0 for none), original context, offset. */
    public static final int TEMPERATURE = SCORE_SCALE + 3;

    public static final int SCALAR_COUNT = TEMPERATURE + 3;

    /** Angles are added from a multiple of 2^7 positions and a rest; a mask of 255 would be misread, see the package. */
    public static final int ROPE_BITS = 7;

    public static final int ROPE_FINE = 1 << ROPE_BITS;

    private Layout() {}
}
