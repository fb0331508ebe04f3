/** @file Numbers as people read them. Decimal conversion is exact by the language's definition, so the text is the same in every runtime. */

/** Narrow and unbreakable: between thousands, and before a percent sign. */
const THIN_SPACE = '\u202F';
const MINUS = '\u2212';
const SUPERSCRIPT: Readonly<Record<string, string>> = {
  '-': '⁻',
  '0': '⁰',
  '1': '¹',
  '2': '²',
  '3': '³',
  '4': '⁴',
  '5': '⁵',
  '6': '⁶',
  '7': '⁷',
  '8': '⁸',
  '9': '⁹',
};

/** `3.44×10⁶`, `0.0123`, `26 122`: `digits` significant ones, and a power of ten outside [10⁻³, 10⁵); whole numbers whole. */
export function formatNumber(value: number | null, digits = 3): string {
  if (value === null || Number.isNaN(value)) return '–';
  if (value === 0) return '0';
  if (Number.isInteger(value) && Math.abs(value) < 1e5) return signed(formatCount(value));
  if (!Number.isFinite(value)) return value > 0 ? '∞' : `${MINUS}∞`;
  const [mantissa, exponent] = value.toExponential(digits - 1).split('e');
  const power = Number(exponent);
  if (power < -3 || power >= 5) return `${signed(mantissa)}×10${superscript(power)}`;
  if (power >= digits) return signed(groupThousands(value.toFixed(0)));
  return signed(value.toFixed(digits - 1 - power));
}

/** A whole number with thin spaces between thousands: `26 122`. */
export function formatCount(value: number): string {
  return groupThousands(value.toFixed(0));
}

/** A number of decimals, always: `0.41`. For columns. */
export function formatFixed(value: number | null, decimals: number): string {
  if (value === null || Number.isNaN(value)) return '–';
  const text = value.toFixed(decimals);
  return Number(text) === 0 ? text.replace('-', '') : signed(text);
}

/** A share in [0, 1] as percent: `58 %`, `0.6 %`, `99.98 %` (never rounded to 100 % when it is less). */
export function formatPercent(share: number): string {
  const percent = share * 100;
  if (percent !== 0 && percent < 0.1) return `<${THIN_SPACE}0.1${THIN_SPACE}%`;
  if (percent < 10) return `${trimZeros(percent.toFixed(1))}${THIN_SPACE}%`;
  const rounded = percent.toFixed(0);
  if (rounded !== '100' || percent === 100) return `${rounded}${THIN_SPACE}%`;
  return percent >= 99.995 ? `100${THIN_SPACE}%` : `${trimZeros(percent.toFixed(2))}${THIN_SPACE}%`;
}

/** `18.4 MB`: powers of 1000. */
export function formatBytes(bytes: number): string {
  return withPrefix(bytes, 'B');
}

/** `3.2 GFLOP` */
export function formatFlops(flops: number): string {
  return withPrefix(flops, 'FLOP');
}

/** `128 × 64`; a scalar is `1`. */
export function formatShapeText(shape: readonly number[]): string {
  return shape.length === 0 ? '1' : shape.map(formatCount).join(`${THIN_SPACE}×${THIN_SPACE}`);
}

/** `10⁻³` */
export function formatPowerOfTen(power: number): string {
  if (power === 0) return '1';
  return power === 1 ? '10' : `10${superscript(power)}`;
}

/** `1 eigenvector`, `14 eigenvectors` */
export function plural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}

function withPrefix(value: number, unit: string): string {
  let scaled = value;
  let step = 0;
  while (scaled >= 999.5 && step < PREFIXES.length - 1) {
    scaled /= 1000;
    step++;
  }
  return `${step === 0 ? scaled.toFixed(0) : trimZeros(Number(scaled.toPrecision(3)).toString())} ${PREFIXES[step]}${unit}`;
}

const PREFIXES = ['', 'k', 'M', 'G', 'T', 'P', 'E'];

function trimZeros(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

function signed(text: string): string {
  return text.replace('-', MINUS);
}

function superscript(power: number): string {
  return [...String(power)].map((character) => SUPERSCRIPT[character]).join('');
}

/** Four digits stay together: 1797, but 26 122. */
function groupThousands(digits: string): string {
  return digits.replace('-', '').length <= 4 ? digits : digits.replace(/\B(?=(\d{3})+$)/g, THIN_SPACE);
}
