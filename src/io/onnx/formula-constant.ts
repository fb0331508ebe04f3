/** @file The number an exporter meant before it rounded it to f32. */

/** Largest k whose square root is recognized. */
const LARGEST_RADICAND = 4096;

/**
 * The number a formula's f32 constant stands for: the simplest one that rounds to it.
 *
 * An exporter writes the numbers of formulas (a slope of 0.01, an epsilon of 1e-5, the √2 of GELU) as f32, which moves
 * them by up to 6e-8, far more than f64 arithmetic resolves. Tried in this order: a decimal of at most 5 digits, √k and
 * 1/√k for whole k ≤ 4096, √(2/π), the shortest decimal. The result always rounds to the stored f32, so nothing changes
 * for f32 arithmetic. Weights are never treated so.
 */
export function formulaConstant(stored: number): number {
  if (!Number.isFinite(stored) || Math.fround(stored) !== stored || Number.isInteger(stored)) return stored;
  return shortestDecimal(stored, 5) ?? root(stored) ?? shortestDecimal(stored, 9) ?? stored;
}

/** Nine digits tell any two f32 apart. */
function shortestDecimal(stored: number, digits: number): number | undefined {
  for (let precision = 1; precision <= digits; precision++) {
    const decimal = Number(stored.toPrecision(precision));
    if (Math.fround(decimal) === stored) return decimal;
  }
  return undefined;
}

function root(stored: number): number | undefined {
  const sign = stored < 0 ? -1 : 1;
  const square = stored * stored;
  const k = Math.round(square);
  const inverse = Math.round(1 / square);
  const candidates = [
    k >= 1 && k <= LARGEST_RADICAND ? Math.sqrt(k) : 0,
    inverse >= 1 && inverse <= LARGEST_RADICAND ? Math.sqrt(1 / inverse) : 0,
    Math.sqrt(2 / Math.PI),
  ];
  const found = candidates.find((candidate) => Math.fround(candidate) === sign * stored);
  return found === undefined ? undefined : sign * found;
}
