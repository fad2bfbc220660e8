//go:build !purego

#include "textflag.h"

// AES-GCM (SP 800-38D) on 512-bit registers: four blocks a register, sixteen blocks a step of the cipher, up to
// thirty-two a step of GHASH.
//
// GHASH takes the bits of a byte the other way round than a processor numbers them. A block whose bytes are
// reversed is, read as a number of 128 bits, its polynomial reflected. The carry-less product of two reflected
// polynomials is the reflected product, shifted right by one bit; to make up for that every power of the hash key is
// kept multiplied by x (key_amd64.go). The product has 256 bits:
//
//	LO + MI·2^64 + HI·2^128
//
// of which LO and HI are the products of the lower and of the upper halves and MI the sum of the crossed ones. The
// reflected polynomial of the field, 2^128 + 2^127 + 2^126 + 2^121 + 1, allows to replace the lowest 64 bits v of a
// number by v·(2^64 + 2^63 + 2^62 + 2^57)·2^64, that is v·2^128 and v·c200000000000000·2^64. Done with LO, whose upper
// half moves down meanwhile, it leaves LO added to MI; done with MI it leaves MI added to HI, the result. As it is
// linear, the products of many blocks are added up first and reduced once.
//
// Sixteen blocks X1 … X16 after the sum Y give (Y + X1)·H^16 + X2·H^15 + … + X16·H. Within a long message the lanes of
// a register are four sums, each multiplied by H^16 in a step, so that a step needs no sum over the lanes: the blocks of
// a register are all multiplied by the same power, H^16, H^12, H^8 or H^4. The last step multiplies each lane with a
// power of its own and adds the lanes up.
//
// No instruction below depends on keys or data in whether, where in memory or how long it is executed.

// Offsets in type key.
#define kH32   0
#define kH17  64
#define kH16  80
#define kH12  144
#define kH8   208
#define kH4   272
#define kH1   320
#define kRK   336
#define kLast 576
#define kLong 592

DATA swap<>+0(SB)/8, $0x08090a0b0c0d0e0f
DATA swap<>+8(SB)/8, $0x0001020304050607
GLOBL swap<>(SB), RODATA|NOPTR, $16

DATA poly<>+0(SB)/8, $0xc200000000000000
GLOBL poly<>(SB), RODATA|NOPTR, $8

// What the counters of the four lanes are ahead of that of J0 at first, and what they advance by.
DATA ahead<>+0(SB)/8, $1
DATA ahead<>+8(SB)/8, $0
DATA ahead<>+16(SB)/8, $2
DATA ahead<>+24(SB)/8, $0
DATA ahead<>+32(SB)/8, $3
DATA ahead<>+40(SB)/8, $0
DATA ahead<>+48(SB)/8, $4
DATA ahead<>+56(SB)/8, $0
GLOBL ahead<>(SB), RODATA|NOPTR, $64

DATA four<>+0(SB)/8, $4
DATA four<>+8(SB)/8, $0
DATA four<>+16(SB)/8, $4
DATA four<>+24(SB)/8, $0
DATA four<>+32(SB)/8, $4
DATA four<>+40(SB)/8, $0
DATA four<>+48(SB)/8, $4
DATA four<>+56(SB)/8, $0
GLOBL four<>(SB), RODATA|NOPTR, $64

// S0 … S3 are the blocks in the cipher, G0 … G3 those that GHASH is to take. The sum Y is in HI between two steps.
#define S0 Z0
#define S1 Z1
#define S2 Z2
#define S3 Z3
#define G0 Z4
#define G1 Z5
#define G2 Z6
#define G3 Z7
#define CTR Z8
#define SWAP Z9
#define LO Z10
#define MI Z11
#define HI Z12
#define T0 Z13
#define T1 Z14
#define HK Z15
#define POLY Z16
#define K0 Z17
#define K1_ Z18
#define K2_ Z19
#define K3_ Z20
#define K4_ Z21
#define K5_ Z22
#define K6_ Z23
#define K7_ Z24
#define K8_ Z25
#define K9_ Z26
#define K10_ Z27
#define K11_ Z28
#define K12_ Z29
#define K13_ Z30
#define KLAST Z31

#define KEY AX
#define SUM BX
#define DST DI
#define SRC SI
#define LEN DX
#define LONG R10
#define POWER R11

// CONSTANTS and ROUNDKEYS: KLAST is the last round key of either size; ten to thirteen are of AES-256 alone. LONG tells
// the size.
#define CONSTANTS \
	VBROADCASTI32X4 swap<>(SB), SWAP; \
	VPBROADCASTQ poly<>(SB), POLY

#define ROUNDKEYS \
	MOVQ kLong(KEY), LONG; \
	VBROADCASTI32X4 (kRK+0)(KEY), K0; \
	VBROADCASTI32X4 (kRK+16)(KEY), K1_; \
	VBROADCASTI32X4 (kRK+32)(KEY), K2_; \
	VBROADCASTI32X4 (kRK+48)(KEY), K3_; \
	VBROADCASTI32X4 (kRK+64)(KEY), K4_; \
	VBROADCASTI32X4 (kRK+80)(KEY), K5_; \
	VBROADCASTI32X4 (kRK+96)(KEY), K6_; \
	VBROADCASTI32X4 (kRK+112)(KEY), K7_; \
	VBROADCASTI32X4 (kRK+128)(KEY), K8_; \
	VBROADCASTI32X4 (kRK+144)(KEY), K9_; \
	VBROADCASTI32X4 (kRK+160)(KEY), K10_; \
	VBROADCASTI32X4 (kRK+176)(KEY), K11_; \
	VBROADCASTI32X4 (kRK+192)(KEY), K12_; \
	VBROADCASTI32X4 (kRK+208)(KEY), K13_; \
	VBROADCASTI32X4 kLast(KEY), KLAST

// FORGET leaves no key in the registers that VZEROUPPER does not reach. Once they are zero, the kernel has nothing of
// them to save when it switches threads either.
#define FORGET \
	VPXORQ X10, X10, X10; \
	VPXORQ X11, X11, X11; \
	VPXORQ X15, X15, X15; \
	VPXORQ X17, X17, X17; \
	VPXORQ X18, X18, X18; \
	VPXORQ X19, X19, X19; \
	VPXORQ X20, X20, X20; \
	VPXORQ X21, X21, X21; \
	VPXORQ X22, X22, X22; \
	VPXORQ X23, X23, X23; \
	VPXORQ X24, X24, X24; \
	VPXORQ X25, X25, X25; \
	VPXORQ X26, X26, X26; \
	VPXORQ X27, X27, X27; \
	VPXORQ X28, X28, X28; \
	VPXORQ X29, X29, X29; \
	VPXORQ X30, X30, X30; \
	VPXORQ X31, X31, X31; \
	VPXORQ X16, X16, X16; \
	KXORQ K1, K1, K1; \
	KXORQ K2, K2, K2; \
	KXORQ K3, K3, K3; \
	KXORQ K4, K4, K4; \
	VZEROUPPER

// ENCRYPT1 is the cipher on S0 alone, over ten or fourteen rounds.
#define ENCRYPT1(short) \
	VPXORQ K0, S0, S0; \
	VAESENC K1_, S0, S0; \
	VAESENC K2_, S0, S0; \
	VAESENC K3_, S0, S0; \
	VAESENC K4_, S0, S0; \
	VAESENC K5_, S0, S0; \
	VAESENC K6_, S0, S0; \
	VAESENC K7_, S0, S0; \
	VAESENC K8_, S0, S0; \
	VAESENC K9_, S0, S0; \
	TESTQ LONG, LONG; \
	JEQ short; \
	VAESENC K10_, S0, S0; \
	VAESENC K11_, S0, S0; \
	VAESENC K12_, S0, S0; \
	VAESENC K13_, S0, S0; \
short: \
	VAESENCLAST KLAST, S0, S0

// COUNTERS are the next sixteen counter blocks, with the first round key added. In CTR they stand with their bytes
// reversed, so that the addition to the lowest 32 bits is the inc32 of SP 800-38D 6.2.
#define COUNTERS \
	VPSHUFB SWAP, CTR, S0; \
	VPADDD four<>(SB), CTR, CTR; \
	VPSHUFB SWAP, CTR, S1; \
	VPADDD four<>(SB), CTR, CTR; \
	VPSHUFB SWAP, CTR, S2; \
	VPADDD four<>(SB), CTR, CTR; \
	VPSHUFB SWAP, CTR, S3; \
	VPADDD four<>(SB), CTR, CTR; \
	VPXORQ K0, S0, S0; \
	VPXORQ K0, S1, S1; \
	VPXORQ K0, S2, S2; \
	VPXORQ K0, S3, S3

#define ROUND(K) \
	VAESENC K, S0, S0; \
	VAESENC K, S1, S1; \
	VAESENC K, S2, S2; \
	VAESENC K, S3, S3

// ROUNDS are all but the last.
#define ROUNDS(short) \
	ROUND(K1_); \
	ROUND(K2_); \
	ROUND(K3_); \
	ROUND(K4_); \
	ROUND(K5_); \
	ROUND(K6_); \
	ROUND(K7_); \
	ROUND(K8_); \
	ROUND(K9_); \
	TESTQ LONG, LONG; \
	JEQ short; \
	ROUND(K10_); \
	ROUND(K11_); \
	ROUND(K12_); \
	ROUND(K13_); \
short:

// SEAL256 and OPEN256 do the last round, whose key takes the text on the way, write sixteen blocks and leave the
// ciphertext in G0 … G3 for GHASH, with Y added.
#define SEAL64(off, S, G) \
	VPXORQ off(SRC), KLAST, T0; \
	VAESENCLAST T0, S, S; \
	VMOVDQU64 S, off(DST); \
	VPSHUFB SWAP, S, G

#define OPEN64(off, S, G) \
	VMOVDQU64 off(SRC), T1; \
	VPXORQ T1, KLAST, T0; \
	VAESENCLAST T0, S, S; \
	VPSHUFB SWAP, T1, G; \
	VMOVDQU64 S, off(DST)

#define ADVANCE \
	VPXORQ HI, G0, G0; \
	ADDQ $256, SRC; \
	ADDQ $256, DST; \
	SUBQ $256, LEN

#define SEAL256 \
	SEAL64(0, S0, G0); \
	SEAL64(64, S1, G1); \
	SEAL64(128, S2, G2); \
	SEAL64(192, S3, G3); \
	ADVANCE

#define OPEN256 \
	OPEN64(0, S0, G0); \
	OPEN64(64, S1, G1); \
	OPEN64(128, S2, G2); \
	OPEN64(192, S3, G3); \
	ADVANCE

// TEXTMASKS sets the mask registers K1 … K4 to the bytes that there are, LEN < 256, in each of four registers.
#define TEXTMASKS \
	MOVQ $-1, R12; \
	XORQ R13, R13; \
	BZHIQ LEN, R12, R14; \
	KMOVQ R14, K1; \
	MOVQ LEN, R14; \
	SUBQ $64, R14; \
	CMOVQLT R13, R14; \
	BZHIQ R14, R12, R14; \
	KMOVQ R14, K2; \
	MOVQ LEN, R14; \
	SUBQ $128, R14; \
	CMOVQLT R13, R14; \
	BZHIQ R14, R12, R14; \
	KMOVQ R14, K3; \
	MOVQ LEN, R14; \
	SUBQ $192, R14; \
	CMOVQLT R13, R14; \
	BZHIQ R14, R12, R14; \
	KMOVQ R14, K4

// SEALREST and OPENREST do a register of the last, incomplete step. GHASH takes zeros for what is not there.
#define SEALREST(off, S, G, K) \
	VMOVDQU8.Z off(SRC), K, T0; \
	VAESENCLAST KLAST, S, S; \
	VPXORQ T0, S, S; \
	VMOVDQU8 S, K, off(DST); \
	VMOVDQU8.Z S, K, G; \
	VPSHUFB SWAP, G, G

#define OPENREST(off, S, G, K) \
	VMOVDQU8.Z off(SRC), K, G; \
	VAESENCLAST KLAST, S, S; \
	VPXORQ G, S, S; \
	VMOVDQU8 S, K, off(DST); \
	VPSHUFB SWAP, G, G

#define HASHREST \
	VMOVDQU8.Z 0(SRC), K1, G0; \
	VMOVDQU8.Z 64(SRC), K2, G1; \
	VMOVDQU8.Z 128(SRC), K3, G2; \
	VMOVDQU8.Z 192(SRC), K4, G3; \
	VPSHUFB SWAP, G0, G0; \
	VPSHUFB SWAP, G1, G1; \
	VPSHUFB SWAP, G2, G2; \
	VPSHUFB SWAP, G3, G3

#define HASHLOAD(off) \
	VMOVDQU64 (off+0)(SRC), G0; \
	VMOVDQU64 (off+64)(SRC), G1; \
	VMOVDQU64 (off+128)(SRC), G2; \
	VMOVDQU64 (off+192)(SRC), G3; \
	VPSHUFB SWAP, G0, G0; \
	VPSHUFB SWAP, G1, G1; \
	VPSHUFB SWAP, G2, G2; \
	VPSHUFB SWAP, G3, G3

// MULFIRST and MULNEXT multiply G by H: the first product of a step, and one more.
#define MULFIRST(G, H) \
	VPCLMULQDQ $0x00, H, G, LO; \
	VPCLMULQDQ $0x11, H, G, HI; \
	VPCLMULQDQ $0x01, H, G, MI; \
	VPCLMULQDQ $0x10, H, G, T0; \
	VPXORQ T0, MI, MI

#define MULNEXT(G, H) \
	VPCLMULQDQ $0x00, H, G, T0; \
	VPCLMULQDQ $0x11, H, G, T1; \
	VPXORQ T0, LO, LO; \
	VPXORQ T1, HI, HI; \
	VPCLMULQDQ $0x01, H, G, T0; \
	VPCLMULQDQ $0x10, H, G, T1; \
	VPTERNLOGQ $0x96, T0, T1, MI

// SAME multiplies all lanes by one power, EACH each by its own.
#define SAMEFIRST(G, power) \
	VBROADCASTI32X4 power(KEY), HK; \
	MULFIRST(G, HK)

#define SAMENEXT(G, power) \
	VBROADCASTI32X4 power(KEY), HK; \
	MULNEXT(G, HK)

#define EACHFIRST(G, power, base) \
	VMOVDQU64 power(base), HK; \
	MULFIRST(G, HK)

#define EACHNEXT(G, power, base) \
	VMOVDQU64 power(base), HK; \
	MULNEXT(G, HK)

// EACH256 multiplies G0 … G3 by the sixteen powers from power(base) on.
#define EACH256(power, base) \
	EACHFIRST(G3, power+192, base); \
	EACHNEXT(G2, power+128, base); \
	EACHNEXT(G1, power+64, base); \
	EACHNEXT(G0, power, base)

// SAME256 is a step on sixteen blocks that more follow.
#define SAME256 \
	SAMEFIRST(G3, kH4); \
	SAMENEXT(G2, kH8); \
	SAMENEXT(G1, kH12); \
	SAMENEXT(G0, kH16)

#define REDUCE1 \
	VPCLMULQDQ $0x00, POLY, LO, T0; \
	VPSHUFD $0x4e, LO, LO; \
	VPTERNLOGQ $0x96, T0, LO, MI

#define REDUCE2 \
	VPCLMULQDQ $0x00, POLY, MI, T0; \
	VPSHUFD $0x4e, MI, MI; \
	VPTERNLOGQ $0x96, T0, MI, HI

#define REDUCE REDUCE1; REDUCE2

// LANES adds up the lanes of HI, in the lowest one, with zeros in the others.
#define LANES \
	VEXTRACTI64X4 $1, HI, Y13; \
	VPXOR Y13, Y12, Y12; \
	VEXTRACTI128 $1, Y12, X13; \
	VPXOR X13, X12, X12

// LENGTHS multiplies the block of the lengths in bits (SP 800-38D 7.1 step 5), of which bytes are given, by H.
#define LENGTHS(aad, text) \
	SHLQ $3, aad; \
	SHLQ $3, text; \
	VMOVQ text, X4; \
	VPINSRQ $1, aad, X4, X4; \
	VMOVDQU kH1(KEY), X15; \
	MULNEXT(G0, HK)

// TAG adds E(K, J0), which waits there, to the sum and writes it.
#define TAG(tag) \
	VPSHUFB X9, X12, X12; \
	VPXOR (tag), X12, X12; \
	VMOVDQU X12, (tag)

// STEP is sixteen blocks of the cipher but the last round, and sixteen blocks of GHASH, which use other ports of the
// processor. What needs the sum of the step before comes late.
#define STEP(short) \
	COUNTERS; \
	ROUND(K1_); \
	SAMEFIRST(G3, kH4); \
	ROUND(K2_); \
	ROUND(K3_); \
	SAMENEXT(G2, kH8); \
	ROUND(K4_); \
	ROUND(K5_); \
	SAMENEXT(G1, kH12); \
	ROUND(K6_); \
	ROUND(K7_); \
	SAMENEXT(G0, kH16); \
	ROUND(K8_); \
	REDUCE1; \
	ROUND(K9_); \
	REDUCE2; \
	TESTQ LONG, LONG; \
	JEQ short; \
	ROUND(K10_); \
	ROUND(K11_); \
	ROUND(K12_); \
	ROUND(K13_); \
short:

// BEGIN loads what seal and open need, writes E(K, J0) to the tag and makes the first counters.
#define BEGIN(j0, tag, short) \
	CONSTANTS; \
	ROUNDKEYS; \
	VMOVDQU (SUM), X12; \
	VBROADCASTI32X4 (j0), S0; \
	VPSHUFB SWAP, S0, CTR; \
	VPADDD ahead<>(SB), CTR, CTR; \
	ENCRYPT1(short); \
	VMOVDQU X0, (tag)

// RESTPOWER points POWER at the powers for the last LEN < 256 bytes and one block after them.
#define RESTPOWER \
	LEAQ 15(LEN), R12; \
	ANDQ $~15, R12; \
	LEAQ kH1(KEY), POWER; \
	SUBQ R12, POWER

// func seal(k *key, sum *block, j0 *block, dst, src *byte, n, aad int, tag *block)
TEXT ·seal(SB), NOSPLIT, $0-64
	MOVQ k+0(FP), KEY
	MOVQ sum+8(FP), SUM
	MOVQ j0+16(FP), CX
	MOVQ dst+24(FP), DST
	MOVQ src+32(FP), SRC
	MOVQ n+40(FP), LEN
	MOVQ aad+48(FP), R8
	MOVQ tag+56(FP), R9
	BEGIN(CX, R9, tagged)
	CMPQ LEN, $256
	JLT rest
	COUNTERS
	ROUNDS(first)
	SEAL256
	JMP more

step:
	STEP(stepped)
	SEAL256

more:
	CMPQ LEN, $256
	JGE step
	EACH256(kH16, KEY)
	REDUCE
	LANES

rest:
	TESTQ LEN, LEN
	JEQ whole
	TEXTMASKS
	RESTPOWER
	COUNTERS
	ROUNDS(last)
	SEALREST(0, S0, G0, K1)
	SEALREST(64, S1, G1, K2)
	SEALREST(128, S2, G2, K3)
	SEALREST(192, S3, G3, K4)
	VPXORQ HI, G0, G0
	EACH256(0, POWER)
	JMP lengths

whole:
	VMOVDQU kH1(KEY), X15
	VMOVDQA64 HI, G0
	MULFIRST(G0, HK)

lengths:
	MOVQ n+40(FP), LEN
	LENGTHS(R8, LEN)
	REDUCE
	LANES
	TAG(R9)
	FORGET
	RET

// func open(k *key, sum *block, j0 *block, dst, src *byte, n, aad int, tag *block)
TEXT ·open(SB), NOSPLIT, $0-64
	MOVQ k+0(FP), KEY
	MOVQ sum+8(FP), SUM
	MOVQ j0+16(FP), CX
	MOVQ dst+24(FP), DST
	MOVQ src+32(FP), SRC
	MOVQ n+40(FP), LEN
	MOVQ aad+48(FP), R8
	MOVQ tag+56(FP), R9
	BEGIN(CX, R9, tagged)
	CMPQ LEN, $256
	JLT rest
	COUNTERS
	ROUNDS(first)
	OPEN256
	JMP more

step:
	STEP(stepped)
	OPEN256

more:
	CMPQ LEN, $256
	JGE step
	EACH256(kH16, KEY)
	REDUCE
	LANES

rest:
	TESTQ LEN, LEN
	JEQ whole
	TEXTMASKS
	RESTPOWER
	COUNTERS
	ROUNDS(last)
	OPENREST(0, S0, G0, K1)
	OPENREST(64, S1, G1, K2)
	OPENREST(128, S2, G2, K3)
	OPENREST(192, S3, G3, K4)
	VPXORQ HI, G0, G0
	EACH256(0, POWER)
	JMP lengths

whole:
	VMOVDQU kH1(KEY), X15
	VMOVDQA64 HI, G0
	MULFIRST(G0, HK)

lengths:
	MOVQ n+40(FP), LEN
	LENGTHS(R8, LEN)
	REDUCE
	LANES
	TAG(R9)
	FORGET
	RET

// HASH512 and HASH256 are steps that more follow; HASHLAST is the one that adds the lanes up.
#define HASH512 \
	VMOVDQA64 HI, S0; \
	HASHLOAD(256); \
	MULFIRST(G3, K7_); \
	MULNEXT(G2, K6_); \
	MULNEXT(G1, K5_); \
	MULNEXT(G0, K4_); \
	HASHLOAD(0); \
	VPXORQ S0, G0, G0; \
	MULNEXT(G3, K3_); \
	MULNEXT(G2, K2_); \
	MULNEXT(G1, K1_); \
	MULNEXT(G0, K0); \
	REDUCE; \
	ADDQ $512, SRC; \
	SUBQ $512, LEN

#define HASH256 \
	HASHLOAD(0); \
	VPXORQ HI, G0, G0; \
	SAME256; \
	REDUCE; \
	ADDQ $256, SRC; \
	SUBQ $256, LEN

#define HASHLAST \
	HASHLOAD(0); \
	VPXORQ HI, G0, G0; \
	EACH256(kH16, KEY); \
	REDUCE; \
	LANES; \
	ADDQ $256, SRC; \
	SUBQ $256, LEN

// POWERS keeps those of HASH512 where the round keys are elsewhere.
#define POWERS \
	VBROADCASTI32X4 (kH32+0)(KEY), K0; \
	VBROADCASTI32X4 (kH32+16)(KEY), K1_; \
	VBROADCASTI32X4 (kH32+32)(KEY), K2_; \
	VBROADCASTI32X4 (kH32+48)(KEY), K3_; \
	VBROADCASTI32X4 kH16(KEY), K4_; \
	VBROADCASTI32X4 kH12(KEY), K5_; \
	VBROADCASTI32X4 kH8(KEY), K6_; \
	VBROADCASTI32X4 kH4(KEY), K7_

// HASH takes GHASH on until less than 256 bytes are left.
#define HASH(loop512, loop256, last, rest) \
	CMPQ LEN, $768; \
	JLT loop256; \
	POWERS; \
loop512: \
	HASH512; \
	CMPQ LEN, $768; \
	JGE loop512; \
loop256: \
	CMPQ LEN, $512; \
	JLT last; \
	HASH256; \
	JMP loop256; \
last: \
	CMPQ LEN, $256; \
	JLT rest; \
	HASHLAST; \
rest:

// func hash(k *key, sum *block, p *byte, n int)
TEXT ·hash(SB), NOSPLIT, $0-32
	MOVQ k+0(FP), KEY
	MOVQ sum+8(FP), SUM
	MOVQ p+16(FP), SRC
	MOVQ n+24(FP), LEN
	CONSTANTS
	VMOVDQU (SUM), X12
	HASH(loop512, loop256, last, rest)
	TESTQ LEN, LEN
	JEQ done
	TEXTMASKS
	RESTPOWER
	HASHREST
	VPXORQ HI, G0, G0
	EACH256(16, POWER)
	REDUCE
	LANES

done:
	VMOVDQU X12, (SUM)
	FORGET
	RET

// func mac(k *key, sum *block, j0 *block, p *byte, n, aad int, tag *block)
TEXT ·mac(SB), NOSPLIT, $0-56
	MOVQ k+0(FP), KEY
	MOVQ sum+8(FP), SUM
	MOVQ j0+16(FP), CX
	MOVQ p+24(FP), SRC
	MOVQ n+32(FP), LEN
	MOVQ aad+40(FP), R8
	MOVQ tag+48(FP), R9
	BEGIN(CX, R9, tagged)
	HASH(loop512, loop256, last, rest)
	TESTQ LEN, LEN
	JEQ whole
	TEXTMASKS
	RESTPOWER
	HASHREST
	VPXORQ HI, G0, G0
	EACH256(0, POWER)
	JMP lengths

whole:
	VMOVDQU kH1(KEY), X15
	VMOVDQA64 HI, G0
	MULFIRST(G0, HK)

lengths:
	XORQ LEN, LEN
	LENGTHS(R8, LEN)
	REDUCE
	LANES
	TAG(R9)
	FORGET
	RET

// func multiply(dst, a, b *block)
TEXT ·multiply(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ a+8(FP), SI
	MOVQ b+16(FP), DX
	CONSTANTS
	VMOVDQU (SI), X4
	VMOVDQU (DX), X15
	MULFIRST(G0, HK)
	REDUCE
	VMOVDQU X12, (DI)
	FORGET
	RET

// func encrypt(k *key, dst, src *block)
TEXT ·encrypt(SB), NOSPLIT, $0-24
	MOVQ k+0(FP), KEY
	MOVQ dst+8(FP), DST
	MOVQ src+16(FP), SRC
	ROUNDKEYS
	VMOVDQU (SRC), X0
	ENCRYPT1(short)
	VMOVDQU X0, (DST)
	FORGET
	RET
