package dev.nibble.cpu.machine;

/**
 * Vector instructions of ARM64, named as in the Arm Architecture Reference Manual (DDI 0487), chapter C7, with the arrangement of
 * their lanes: the word with all registers 0.
 */
enum ArmOp {
    // three registers
    AND_16B(0x4E201C00),
    EOR_16B(0x6E201C00),
    ORR_16B(0x4EA01C00),
    /** Bits of the first operand where the second has ones; others of the destination stay. */
    BIT_16B(0x6EA01C00),
    ADD_4S(0x4EA08400),
    UMAX_4S(0x6EA06400),
    /** Sums of neighbours: of the first operand in the lower half, of the second in the upper. */
    ADDP_8H(0x4E60BC00),
    SMULL_8H(0x0E20C000),
    SMULL2_8H(0x4E20C000),
    SMLAL_8H(0x0E208000),
    SMLAL2_8H(0x4E208000),
    /** Two rows of eight signed bytes times two rows of eight: four ints. FEAT_I8MM. */
    SMMLA_4S(0x4E80A400),
    FMUL_4S(0x6E20DC00),
    FMLA_4S(0x4E20CC00),
    ZIP1_4S(0x4E803800),
    ZIP2_4S(0x4E807800),
    ZIP1_2D(0x4EC03800),
    ZIP2_2D(0x4EC07800),
    UZP1_4S(0x4E801800),
    UZP2_4S(0x4E805800),
    UZP1_8H(0x4E401800),
    UZP1_16B(0x4E001800),
    /** Bytes of the first operand, at the places in the second. */
    TBL_16B(0x4E000000),
    FDIV_S(0x1E201800),
    FMUL_S(0x1E200800),

    // a register and an element of one
    /** Products of four signed bytes and the four of an element, summed to each int. FEAT_DotProd. */
    SDOT_4S_ELEMENT(0x4F80E000),
    FMUL_4S_ELEMENT(0x4F809000),
    FMLA_4S_ELEMENT(0x4F801000),

    // two registers
    SCVTF_4S(0x4E21D800),
    /** To the nearest int, that of two which is even. */
    FCVTNS_4S(0x4E21A800),
    FCVTL_4S(0x0E217800),
    FCVTL2_4S(0x4E217800),
    FABS_4S(0x4EA0F800),
    FNEG_4S(0x6EA0F800),
    UMAXV_4S(0x6EB0A800),
    ADDV_4S(0x4EB1B800),
    /** Sums of neighbours, wider, added. */
    SADALP_4S(0x4E606800),
    SADDLP_8H(0x4E202800),
    SADDLP_4S(0x4E602800),
    SSHLL_8H(0x0F08A400),
    USHLL_8H(0x2F08A400),
    SSHLL_4S(0x0F10A400),
    USHLL_4S(0x2F10A400),
    /** Shorts to the upper half of ints. */
    SHLL_4S(0x2E613800),
    SHLL2_4S(0x6E613800);

    final int word;

    ArmOp(int word) {
        this.word = word;
    }
}
