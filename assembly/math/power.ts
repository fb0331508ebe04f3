/**
 * @file e^x of two doubles by a table of 2^(j/128): the core of exponentials.ts.
 *
 *   x = (k + j/128)·ln2 + r − lack_j, |r| ≤ ln2/256   n = 128·k + j = round(x·128·log2 e), found by adding 1.5·2^52: `shifted`
 *   e^x = s + s·p                                      s = 2^(k + j/128), rounded: the power is s·e^lack_j, |lack_j| ≤ 2^−53
 *   p = r + r²·q(r)                                    only the last sum rounds
 *
 * p has degree 5, where e^r on |r| ≤ ln2/2 takes 11: a loop pays for the length of the chain as much as for its operations.
 * The constants are parameters, so that a loop keeps them in registers.
 *
 * Tang (1989), ACM TOMS 15. Coefficients: scripts/coefficients/coefficients.py power.
 */

import { step } from "./table";

const CONSTANTS = memory.data<f64>([
  184.6649652337873, 0.005415212348111709, 1.2864023111638346e-14, 6755399441055744.0,
  0.4999999999999677, 0.1666666666666579, 0.041666680871882036, 0.008333335986947547,
  1.0, 2.0, -0.5, -0.0, 44.0, -0.005415212348111709,
]);

/** 128·log2 e, ln2/128 as two numbers, the first with 36 bits, 1.5·2^52, the coefficients of q; Max: tanh(u/2) is 1 beyond it; MinusHigh: −High. */
export const enum Power { Log2E, High, Low, Shift, Q0, Q1, Q2, Q3, One, Two, MinusHalf, Sign, Max, MinusHigh }

/** lack_j, and the bits of 2^(j/128) less j·2^45: n·2^45 added to them makes s. */
const ENTRIES = memory.data<u64>([
  0x0000000000000000, 0x3ff0000000000000, 0x3c9b3c0000000000, 0x3feff63da9fb3335, 0xbc71600000000000, 0x3fefec9a3e778061, 0xbc90600000000000, 0x3fefe315e86e7f85,
  0x3c8cd00000000000, 0x3fefd9b0d3158574, 0xbc8bd00000000000, 0x3fefd06b29ddf6de, 0x3c61000000000000, 0x3fefc74518759bc8, 0x3c90a40000000000, 0x3fefbe3ecac6f383,
  0x3c979c0000000000, 0x3fefb5586cf9890f, 0x3c8eb80000000000, 0x3fefac922b7247f7, 0x3c3f000000000000, 0x3fefa3ec32d3d1a2, 0xbc6a000000000000, 0x3fef9b66affed31b,
  0xbc95580000000000, 0x3fef9301d0125b51, 0xbc50800000000000, 0x3fef8abdc06c31cc, 0xbc91c80000000000, 0x3fef829aaea92de0, 0x3c80d00000000000, 0x3fef7a98c8a58e51,
  0xbc80180000000000, 0x3fef72b83c7d517b, 0xbc8f200000000000, 0x3fef6af9388c8dea, 0x3c8b880000000000, 0x3fef635beb6fcb75, 0xbc96d80000000000, 0x3fef5be084045cd4,
  0x3c9aec0000000000, 0x3fef54873168b9aa, 0xbc8fe80000000000, 0x3fef4d5022fcd91d, 0x3c8a700000000000, 0x3fef463b88628cd6, 0x3c80780000000000, 0x3fef3f49917ddc96,
  0x3c96900000000000, 0x3fef387a6e756238, 0x3c87600000000000, 0x3fef31ce4fb2a63f, 0x3c80480000000000, 0x3fef2b4565e27cdd, 0xbc96b80000000000, 0x3fef24dfe1f56381,
  0x3c82f80000000000, 0x3fef1e9df51fdee1, 0xbc3d000000000000, 0x3fef187fd0dad990, 0x3c8b380000000000, 0x3fef1285a6e4030b, 0x3c6e200000000000, 0x3fef0cafa93e2f56,
  0x3c83500000000000, 0x3fef06fe0a31b715, 0x3c86400000000000, 0x3fef0170fc4cd831, 0x3c8fe00000000000, 0x3feefc08b26416ff, 0xbc86a00000000000, 0x3feef6c55f929ff1,
  0xbc924c0000000000, 0x3feef1a7373aa9cb, 0xbc99080000000000, 0x3feeecae6d05d866, 0xbc71d00000000000, 0x3feee7db34e59ff7, 0xbc99180000000000, 0x3feee32dc313a8e5,
  0x3c85a00000000000, 0x3feedea64c123422, 0xbc93140000000000, 0x3feeda4504ac801c, 0xbc58c00000000000, 0x3feed60a21f72e2a, 0xbc7c300000000000, 0x3feed1f5d950a897,
  0x3c43800000000000, 0x3feece086061892d, 0x3c96680000000000, 0x3feeca41ed1d0057, 0x3c6ec00000000000, 0x3feec6a2b5c13cd0, 0x3c94000000000000, 0x3feec32af0d7d3de,
  0x3c76900000000000, 0x3feebfdad5362a27, 0x3c931c0000000000, 0x3feebcb299fddd0d, 0xbc8f980000000000, 0x3feeb9b2769d2ca7, 0xbc87e00000000000, 0x3feeb6daa2cf6642,
  0xbc78e00000000000, 0x3feeb42b569d4f82, 0xbc86100000000000, 0x3feeb1a4ca5d920f, 0x3c93340000000000, 0x3feeaf4736b527da, 0x3c7ba00000000000, 0x3feead12d497c7fd,
  0x3c90640000000000, 0x3feeab07dd485429, 0x3c35000000000000, 0x3feea9268a5946b7, 0x3c94340000000000, 0x3feea76f15ad2148, 0xbc8ce80000000000, 0x3feea5e1b976dc09,
  0xbc8c300000000000, 0x3feea47eb03a5585, 0xbc84500000000000, 0x3feea34634ccc320, 0xbc93d00000000000, 0x3feea23882552225, 0x3c57000000000000, 0x3feea155d44ca973,
  0xbc93b40000000000, 0x3feea09e667f3bcd, 0xbc6a200000000000, 0x3feea012750bdabf, 0xbc63600000000000, 0x3fee9fb23c651a2f, 0xbc80e00000000000, 0x3fee9f7df9519484,
  0xbc78200000000000, 0x3fee9f75e8ec5f74, 0xbc86f00000000000, 0x3fee9f9a48a58174, 0xbc86180000000000, 0x3fee9feb564267c9, 0x3c909c0000000000, 0x3feea0694fde5d3f,
  0xbc7b300000000000, 0x3feea11473eb0187, 0x3c94ec0000000000, 0x3feea1ed0130c132, 0x3c65e00000000000, 0x3feea2f336cf4e62, 0xbc88a00000000000, 0x3feea427543e1a12,
  0xbc93680000000000, 0x3feea589994cce13, 0xbc80600000000000, 0x3feea71a4623c7ad, 0xbc94d40000000000, 0x3feea8d99b4492ed, 0x3c90ac0000000000, 0x3feeaac7d98a6699,
  0x3c8db80000000000, 0x3feeace5422aa0db, 0xbc65c00000000000, 0x3feeaf3216b5448c, 0x3c7bf00000000000, 0x3feeb1ae99157736, 0xbc93080000000000, 0x3feeb45b0b91ffc6,
  0xbc5dc00000000000, 0x3feeb737b0cdc5e5, 0xbc6c200000000000, 0x3feeba44cbc8520f, 0xbc92440000000000, 0x3feebd829fde4e50, 0xbc85c80000000000, 0x3feec0f170ca07ba,
  0x3c71b00000000000, 0x3feec49182a3f090, 0x3c6de00000000000, 0x3feec86319e32323, 0xbc87c80000000000, 0x3feecc667b5de565, 0x3c8b200000000000, 0x3feed09bec4a2d33,
  0xbc91bc0000000000, 0x3feed503b23e255d, 0x3c90cc0000000000, 0x3feed99e1330b358, 0x3c84680000000000, 0x3feede6b5579fdbf, 0xbc82e00000000000, 0x3feee36bbfd3f37a,
  0x3c8c180000000000, 0x3feee89f995ad3ad, 0xbc907c0000000000, 0x3feeee07298db666, 0xbc55c00000000000, 0x3feef3a2b84f15fb, 0xbc90a40000000000, 0x3feef9728de5593a,
  0xbc68e00000000000, 0x3feeff76f2fb5e47, 0xbc91f00000000000, 0x3fef05b030a1064a, 0x3c75000000000000, 0x3fef0c1e904bc1d2, 0xbc91bc0000000000, 0x3fef12c25bd71e09,
  0x3c73700000000000, 0x3fef199bdd85529c, 0x3c8ee00000000000, 0x3fef20ab5fffd07a, 0x3c84e00000000000, 0x3fef27f12e57d14b, 0x3c63c00000000000, 0x3fef2f6d9406e7b5,
  0x3c67600000000000, 0x3fef3720dcef9069, 0xbc80880000000000, 0x3fef3f0b555dc3fa, 0xbc8fb00000000000, 0x3fef472d4a07897c, 0xbc900c0000000000, 0x3fef4f87080d89f2,
  0x3c74a00000000000, 0x3fef5818dcfba487, 0xbc82900000000000, 0x3fef60e316c98398, 0x3c8e580000000000, 0x3fef69e603db3285, 0x3c84380000000000, 0x3fef7321f301b460,
  0xbc82d80000000000, 0x3fef7c97337b9b5f, 0xbc89280000000000, 0x3fef864614f5a129, 0x3c74b00000000000, 0x3fef902ee78b3ff6, 0x3c83c80000000000, 0x3fef9a51fbc74c83,
  0xbc8ff80000000000, 0x3fefa4afa2a490da, 0xbc8db00000000000, 0x3fefaf482d8e67f1, 0x3c8ec00000000000, 0x3fefba1bee615a27, 0x3c84280000000000, 0x3fefc52b376bba97,
  0x3c8a680000000000, 0x3fefd0765b6e4540, 0xbc8e380000000000, 0x3fefdbfdad9cbe14, 0x3c77900000000000, 0x3fefe7c1819e90d8, 0x3c53000000000000, 0x3feff3c22b8f71f1,
]);

// @ts-ignore: decorator
@inline
export function powerConstant(index: Power): v128 {
  return v128.load64_splat(CONSTANTS + (<usize>index << 3));
}

/** Byte offsets into the table of two vectors, one after the other. */
// @ts-ignore: decorator
@inline
export function entryOffsets(shifted0: v128, shifted1: v128): v128 {
  return i32x4.shr_u(i32x4.shl(v128.shuffle<i32>(shifted0, shifted1, 0, 2, 4, 6), 25), 21);
}

/** lack_j and the bits of one element. */
// @ts-ignore: decorator
@inline
export function entry(offset: u32): v128 {
  return v128.load(<usize>offset, ENTRIES);
}

/** lack_j. */
// @ts-ignore: decorator
@inline
export function lackOf(first: v128, second: v128): v128 {
  return v128.shuffle<i64>(first, second, 0, 2);
}

/** The bits of two elements. */
// @ts-ignore: decorator
@inline
export function entryBits(first: u32, second: u32): v128 {
  return v128.load64_lane(<usize>second, v128.load64_zero(<usize>first, ENTRIES + 8), 1, ENTRIES + 8);
}

/** s; |x| ≤ 708. */
// @ts-ignore: decorator
@inline
export function powerScale(shifted: v128, first: v128, second: v128): v128 {
  return i64x2.add(i64x2.shl(shifted, 45), v128.shuffle<i64>(first, second, 1, 3));
}

/** r²·q(r). */
// @ts-ignore: decorator
@inline
export function powerSquare(r: v128, q0: v128, q1: v128, q2: v128, q3: v128): v128 {
  const square = f64x2.mul(r, r);
  return f64x2.mul(square, step<f64>(step<f64>(q3, r, q2), square, step<f64>(q1, r, q0)));
}

/** s·p */
// @ts-ignore: decorator
@inline
export function powerRest(r: v128, s: v128, q0: v128, q1: v128, q2: v128, q3: v128): v128 {
  return f64x2.mul(s, f64x2.add(r, powerSquare(r, q0, q1, q2, q3)));
}
