/**
 * @file x = k·π/2 + r, |r| ≤ π/4, for large |x|: multiplication by a stored 2/π in whole numbers.
 *
 *   x = m·2^e, m < 2^53        2/π:  | 64 zero bits | a2f9836e 4e441529 …
 *                                              ^ 192 bits from weight 2^(1 − e): what lies above adds multiples of 4 to x·2/π,
 *                                                what lies below is less than 2^(53 − 190)
 *   m·window mod 2^192 = | k mod 4 : 2 bits | fraction : 190 bits |        then r = fraction·π/2, k rounded to nearest
 *
 * Payne and Hanek (1983). Table: scripts/coefficients/coefficients.py sincos.
 */

const TWO_OVER_PI = memory.data<u32>([
  0, 0,
  0xa2f9836e, 0x4e441529, 0xfc2757d1, 0xf534ddc0, 0xdb629599, 0x3c439041, 0xfe5163ab, 0xdebbc561, 0xb7246e3a, 0x424dd2e0,
  0x06492eea, 0x09d1921c, 0xfe1deb1c, 0xb129a73e, 0xe88235f5, 0x2ebb4484, 0xe99c7026, 0xb45f7e41, 0x3991d639, 0x835339f4,
  0x9c845f8b, 0xbdf9283b, 0x1ff897ff, 0xde05980f, 0xef2f118b, 0x5a0a6d1f, 0x6d367ecf, 0x27cb09b7, 0x4f463f66, 0x9e5fea2d,
  0x7527bac7, 0xebe5f17b, 0x3d0739f7, 0x8a5292ea, 0x6bfb5fb1, 0x1f8d5d08, 0x56033046, 0xfc7b6bab,
]);
const HALF_PI: f64 = 1.5707963267948966;
const HALF_PI_LOW: f64 = 6.123233995736766e-17;
const LOW_WORD: u64 = 0xffffffff;

/** What remainder returns: k mod 4, the high or the low part of r. */
export const enum Part { Quadrant, High, Low }

/** A part of the reduction of a finite x, |x| ≥ 2^14. */
export function remainder(x: f64, part: Part): f64 {
  const bits = reinterpret<u64>(x);
  const m = (bits & 0xfffffffffffff) | 0x10000000000000;
  const e = <i32>((bits >> 52) & 0x7ff) - 1075;
  const start = 62 + e;

  // The product's six words, least first; the upper four are kept.
  let carry: u64 = 0;
  let below: u64 = 0;
  let high: u64 = 0;
  let middle: u64 = 0;
  for (let i = 5; i >= 0; i--) {
    const word = wordAt(start + 32 * i);
    const p = (m & LOW_WORD) * word;
    const q = (m >> 32) * below;
    const sum = (p & LOW_WORD) + (q & LOW_WORD) + carry;
    carry = (p >> 32) + (q >> 32) + (sum >> 32);
    below = word;
    middle = (middle >> 32) | (high << 32);
    high = (high >> 32) | (sum << 32);
  }

  const quadrant = (high + 0x2000000000000000) >> 62;
  if (part == Part.Quadrant) return <f64>(x < 0.0 ? (4 - quadrant) & 3 : quadrant);
  const r = fractionTimesHalfPi((high << 2) | (middle >> 62), middle << 2, part);
  return x < 0.0 ? -r : r;
}

/** 32 bits of 2/π from a bit position. */
function wordAt(bit: i32): u64 {
  const address = TWO_OVER_PI + (<usize>(bit >> 5) << 2);
  const both = (<u64>load<u32>(address) << 32) | <u64>load<u32>(address, 4);
  return (both >> (32 - (bit & 31))) & LOW_WORD;
}

/** The signed fraction high:low·2^−128 times π/2, its high or low part. */
function fractionTimesHalfPi(high: u64, low: u64, part: Part): f64 {
  const negative = <i64>high < 0;
  if (negative) {
    low = ~low + 1;
    high = ~high + (low == 0 ? 1 : 0);
  }
  const zeros = clz(high);
  if (zeros > 0) {
    high = (high << zeros) | (low >> (64 - zeros));
    low <<= zeros;
  }
  const unit = reinterpret<f64>((<u64>(1023 - 64) - zeros) << 52); // 2^(−64 − zeros)
  const upper = <f64>(high & ~0x7ff) * unit;
  const lower = <f64>(((high & 0x7ff) << 52) | (low >> 12)) * (unit * 2.220446049250313e-16);

  const product = upper * HALF_PI;
  const a = reinterpret<f64>(reinterpret<u64>(upper) & ~0x7ffffff);
  const b = reinterpret<f64>(reinterpret<u64>(HALF_PI) & ~0x7ffffff);
  const error = (a * b - product) + (a * (HALF_PI - b) + (upper - a) * b) + (upper - a) * (HALF_PI - b);
  const rest = error + (upper * HALF_PI_LOW + lower * HALF_PI);
  const r = product + rest;
  const result = part == Part.High ? r : rest - (r - product);
  return negative ? -result : result;
}
