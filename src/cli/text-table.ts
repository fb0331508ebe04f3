/** @file Text for people: aligned columns, and amounts with decimal prefixes. */

/** Rows as lines with two spaces before and between columns; no trailing spaces. */
export function textTable(rows: readonly (readonly string[])[]): string[] {
  const widths = rows.reduce<number[]>((known, row) => row.map((cell, column) => Math.max(known[column] ?? 0, cell.length)), []);
  return rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column])).join('  ')}`.trimEnd());
}

const PREFIXES = ['', 'k', 'M', 'G', 'T', 'P'] as const;

/** `1.23 MB`: three significant digits and a decimal prefix (k = 1000). */
export function amount(value: number, unit: string): string {
  let scaled = value;
  let prefix = 0;
  while (scaled >= 999.5 && prefix < PREFIXES.length - 1) {
    scaled /= 1000;
    prefix++;
  }
  const digits = prefix === 0 ? String(Math.round(scaled)) : scaled.toPrecision(3);
  return `${digits} ${PREFIXES[prefix]}${unit}`;
}
