//go:build !purego

#include "textflag.h"

// func cbcmac(round *[15][BlockSize]byte, rounds int, x *[BlockSize]byte, p *byte, blocks int)
//
// Nothing can be done at the same time as a block, so all that counts is what a block waits for: its rounds. The last round
// key of a block, the next block of the message and the first round key are added up beside them, and the last round
// takes their sum for its key. The other round keys come from memory, which costs no time here.
TEXT ·cbcmac(SB), NOSPLIT, $0-40
	MOVQ round+0(FP), AX
	MOVQ rounds+8(FP), CX
	MOVQ x+16(FP), DI
	MOVQ p+24(FP), SI
	MOVQ blocks+32(FP), DX
	MOVQ CX, BX
	SHLQ $4, BX
	VMOVDQU (AX)(BX*1), X1 // the last round key
	VMOVDQU (AX), X0
	VPXOR X0, X1, X2       // both
	VPXOR (DI), X0, X0
	VPXOR (SI), X0, X0
	JMP rounds

next:
	VPXOR (SI), X2, X3
	VAESENCLAST X3, X0, X0

rounds:
	VAESENC 16(AX), X0, X0
	VAESENC 32(AX), X0, X0
	VAESENC 48(AX), X0, X0
	VAESENC 64(AX), X0, X0
	VAESENC 80(AX), X0, X0
	VAESENC 96(AX), X0, X0
	VAESENC 112(AX), X0, X0
	VAESENC 128(AX), X0, X0
	VAESENC 144(AX), X0, X0
	CMPQ CX, $10
	JEQ short
	VAESENC 160(AX), X0, X0
	VAESENC 176(AX), X0, X0
	VAESENC 192(AX), X0, X0
	VAESENC 208(AX), X0, X0

short:
	ADDQ $16, SI
	DECQ DX
	JNE next
	VAESENCLAST X1, X0, X0
	VMOVDQU X0, (DI)
	VPXOR X1, X1, X1
	VPXOR X2, X2, X2
	VPXOR X3, X3, X3
	VZEROUPPER
	RET

// func subWord(w uint32) uint32
TEXT ·subWord(SB), NOSPLIT, $0-12
	MOVL w+0(FP), AX
	SHLQ $32, AX
	VMOVQ AX, X0
	VAESKEYGENASSIST $0, X0, X0
	VMOVD X0, AX
	MOVL AX, ret+8(FP)
	RET
