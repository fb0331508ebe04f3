/** @file erf and erfc in doubles, to about 1e-15: a positive series below 2.5, a continued fraction above. Enough to judge f32. */

/** e^(−x²)·2/√π·Σ 2^j·x^(2j + 1)/(2j + 1)!!: no term cancels. */
function erfSeries(x: number): number {
  let sum = x;
  let term = x;
  for (let j = 1; term > 1e-18 * sum; j++) {
    term *= (2 * x * x) / (2 * j + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

/** x ≥ 2.5; x·x must be exact for a relative result, as it is for x of 24 bits. */
function erfcFraction(x: number): number {
  let fraction = x;
  for (let j = 60; j >= 1; j--) fraction = x + j / 2 / fraction;
  return Math.exp(-x * x) / (Math.sqrt(Math.PI) * fraction);
}

export function erf(x: number): number {
  const a = Math.abs(x);
  return Math.sign(x) * (a < 2.5 ? erfSeries(a) : 1 - erfcFraction(a));
}

/** Φ(−a) = ½·erfc(a/√2), a ≥ 0 of 24 bits, relative to itself: a²/2 enters exactly. */
export function normalTail(a: number): number {
  if (a < 1.5) return 0.5 - 0.5 * erfSeries(a / Math.SQRT2);
  let fraction = a;
  for (let j = 120; j >= 1; j--) fraction = a + j / fraction;
  return Math.exp((-a * a) / 2) / (Math.sqrt(2 * Math.PI) * fraction);
}
