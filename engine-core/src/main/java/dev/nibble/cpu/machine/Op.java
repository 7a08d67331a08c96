package dev.nibble.cpu.machine;

/**
 * Vector instructions, named as in Intel's Software Developer's Manual, volume 2: prefix, opcode map, opcode, and the
 * number after a slash for those whose second operand is part of the opcode. The encoding with VEX or EVEX is the same but
 * for the prefix bytes.
 */
enum Op {
    VMOVDQU(0xF3, 1, 0x6F),
    VMOVDQU_STORE(0xF3, 1, 0x7F),
    VMOVUPS(0, 1, 0x10),
    VMOVUPS_STORE(0, 1, 0x11),
    VMOVSS_STORE(0xF3, 1, 0x11),
    VMOVD_FROM_GENERAL(0x66, 1, 0x6E),
    VMOVD_TO_GENERAL(0x66, 1, 0x7E),

    VPAND(0x66, 1, 0xDB),
    VPOR(0x66, 1, 0xEB),
    VPXOR(0x66, 1, 0xEF),
    VPTERNLOGD(0x66, 3, 0x25),
    VPSRLD(0x66, 1, 0x72, 2),
    VPSLLD(0x66, 1, 0x72, 6),
    VPSRAD(0x66, 1, 0x72, 4),
    VPROLD(0x66, 1, 0x72, 1),

    VPCMPEQD(0x66, 1, 0x76),
    VPGATHERDD(0x66, 2, 0x90),
    VPADDW(0x66, 1, 0xFD),
    VPADDD(0x66, 1, 0xFE),
    VPSUBB(0x66, 1, 0xF8),
    VPMAXUD(0x66, 2, 0x3F),
    VPMADDWD(0x66, 1, 0xF5),
    VPMADDUBSW(0x66, 2, 0x04),
    VPHADDD(0x66, 2, 0x02),
    VPABSB(0x66, 2, 0x1C),
    VPSIGNB(0x66, 2, 0x08),
    VPDPBUSD(0x66, 2, 0x50),

    VPSHUFB(0x66, 2, 0x00),
    VPSHUFD(0x66, 1, 0x70),
    VPERMD(0x66, 2, 0x36),
    VPACKSSDW(0x66, 1, 0x6B),
    VPACKUSDW(0x66, 2, 0x2B),
    VPACKSSWB(0x66, 1, 0x63),
    VEXTRACTI128(0x66, 3, 0x39),
    VPBROADCASTD(0x66, 2, 0x58),
    VBROADCASTSS(0x66, 2, 0x18),
    VBROADCASTI128(0x66, 2, 0x5A, -1, 16),

    VPMOVSXBD(0x66, 2, 0x21, -1, 4),
    VPMOVZXBD(0x66, 2, 0x31, -1, 4),
    VPMOVZXWD(0x66, 2, 0x33, -1, 2),
    VCVTPH2PS(0x66, 2, 0x13, -1, 2),
    VCVTDQ2PS(0, 1, 0x5B),
    VCVTPS2DQ(0x66, 1, 0x5B),
    VCVTSI2SS(0xF3, 1, 0x2A),
    VADDPS(0, 1, 0x58),
    VSUBPS(0, 1, 0x5C),
    VMULPS(0, 1, 0x59),
    VMULSS(0xF3, 1, 0x59),
    VDIVSS(0xF3, 1, 0x5E),
    VFMADD213PS(0x66, 2, 0xA8),
    VFMADD231PS(0x66, 2, 0xB8),

    // of tiles, encoded as vectors of 128 bits are; their memory is 16 rows, the index register the bytes from one to
    // the next
    LDTILECFG(0, 2, 0x49),
    TILERELEASE(0, 2, 0x49),
    TILEZERO(0xF2, 2, 0x49),
    TILELOADD(0xF2, 2, 0x4B),
    TILESTORED(0xF3, 2, 0x4B),
    TDPBF16PS(0xF3, 2, 0x5C);

    /** The number that stands for the prefix. */
    final int prefix;

    /** 1 for 0F, 2 for 0F38, 3 for 0F3A. */
    final int map;

    final int opcode;

    /** The number after the slash; -1 for none. */
    final int extension;

    /** Bytes of the vector for one of an operand in memory; 16 says that the operand always has 16 bytes. */
    final int part;

    Op(int prefix, int map, int opcode) {
        this(prefix, map, opcode, -1);
    }

    Op(int prefix, int map, int opcode, int extension) {
        this(prefix, map, opcode, extension, 1);
    }

    Op(int prefix, int map, int opcode, int extension, int part) {
        this.prefix = switch (prefix) {
            case 0 -> 0;
            case 0x66 -> 1;
            case 0xF3 -> 2;
            case 0xF2 -> 3;
            default -> throw new IllegalArgumentException("prefix " + prefix);
        };
        this.map = map;
        this.opcode = opcode;
        this.extension = extension;
        this.part = part;
    }

    /** Bytes of an operand in memory that is not broadcast. */
    int memoryBytes(int vectorBytes) {
        return part == 16 ? 16 : vectorBytes / part;
    }
}
