/**
 * @file Rows of a table by index, and the transpose: rows added back where they came from.
 *
 * Indices are whole numbers stored as T (exact in f32 up to 2²⁴) and already checked to be in range.
 */

/** out[i, :] ← table[index[i], :], i < n, rows of d elements. */
function gatherRows<T>(n: i32, d: i32, table: usize, index: usize, out: usize): void {
  const bytes = <usize>d * sizeof<T>();
  for (let i = 0; i < n; i++) {
    const row = <usize>load<T>(index + <usize>i * sizeof<T>());
    memory.copy(out + <usize>i * bytes, table + row * bytes, bytes);
  }
}

/** out[index[i], :] += x[i, :], in the order of i; out is not cleared. */
function scatterAddRows<T>(n: i32, d: i32, x: usize, index: usize, out: usize): void {
  const bytes = <usize>d * sizeof<T>();
  for (let i = 0; i < n; i++) {
    const row = <usize>load<T>(index + <usize>i * sizeof<T>());
    const to = out + row * bytes;
    const from = x + <usize>i * bytes;
    for (let j: usize = 0; j < bytes; j += sizeof<T>()) store<T>(to + j, load<T>(to + j) + load<T>(from + j));
  }
}

export function gatherRowsF64(n: i32, d: i32, table: usize, index: usize, out: usize): void { gatherRows<f64>(n, d, table, index, out); }
export function gatherRowsF32(n: i32, d: i32, table: usize, index: usize, out: usize): void { gatherRows<f32>(n, d, table, index, out); }
export function scatterAddRowsF64(n: i32, d: i32, x: usize, index: usize, out: usize): void { scatterAddRows<f64>(n, d, x, index, out); }
export function scatterAddRowsF32(n: i32, d: i32, x: usize, index: usize, out: usize): void { scatterAddRows<f32>(n, d, x, index, out); }
