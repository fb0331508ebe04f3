/**
 * @file Transpose of a strided matrix: out[j, i] ← in[i, j], both with contiguous rows, in register blocks inside cache blocks.
 *
 *   f32: blocks of 4 × 4, two rounds of shuffles          f64: blocks of 2 × 2, one shuffle for each row
 */

/** Side of the square cache blocks: their rows of input and output stay in L1. */
const BLOCK: i32 = 32;

/** out [columns, rows] ← transpose of in [rows, columns]; row strides in bytes. */
export function transpose<T>(rows: i32, columns: i32, from: usize, fromRow: usize, to: usize, toRow: usize): void {
  for (let ib = 0; ib < rows; ib += BLOCK) {
    const height = min(BLOCK, rows - ib);
    for (let jb = 0; jb < columns; jb += BLOCK) {
      const width = min(BLOCK, columns - jb);
      transposeBlock<T>(
        height, width,
        from + <usize>ib * fromRow + <usize>jb * sizeof<T>(), fromRow,
        to + <usize>jb * toRow + <usize>ib * sizeof<T>(), toRow,
      );
    }
  }
}

function transposeBlock<T>(rows: i32, columns: i32, from: usize, fromRow: usize, to: usize, toRow: usize): void {
  const lanes = 16 / sizeof<T>();
  let i = 0;
  for (; i + lanes <= rows; i += lanes) {
    let s = from + <usize>i * fromRow;
    let t = to + <usize>i * sizeof<T>();
    let j = 0;
    for (; j + lanes <= columns; j += lanes) {
      transposeTile<T>(s, fromRow, t, toRow);
      s += 16;
      t += <usize>lanes * toRow;
    }
    for (; j < columns; j++) {
      for (let r = 0; r < lanes; r++) store<T>(t + <usize>r * sizeof<T>(), load<T>(s + <usize>r * fromRow));
      s += sizeof<T>();
      t += toRow;
    }
  }
  for (; i < rows; i++) {
    let s = from + <usize>i * fromRow;
    let t = to + <usize>i * sizeof<T>();
    for (let j = 0; j < columns; j++) {
      store<T>(t, load<T>(s));
      s += sizeof<T>();
      t += toRow;
    }
  }
}

// @ts-ignore: decorator
@inline
function transposeTile<T>(s: usize, fromRow: usize, t: usize, toRow: usize): void {
  const r0 = v128.load(s), r1 = v128.load(s + fromRow);
  if (sizeof<T>() == 8) {
    v128.store(t, v128.shuffle<i64>(r0, r1, 0, 2));
    v128.store(t + toRow, v128.shuffle<i64>(r0, r1, 1, 3));
  } else {
    const r2 = v128.load(s + 2 * fromRow), r3 = v128.load(s + 3 * fromRow);
    const low01 = v128.shuffle<i32>(r0, r1, 0, 4, 1, 5), high01 = v128.shuffle<i32>(r0, r1, 2, 6, 3, 7);
    const low23 = v128.shuffle<i32>(r2, r3, 0, 4, 1, 5), high23 = v128.shuffle<i32>(r2, r3, 2, 6, 3, 7);
    v128.store(t, v128.shuffle<i64>(low01, low23, 0, 2));
    v128.store(t + toRow, v128.shuffle<i64>(low01, low23, 1, 3));
    v128.store(t + 2 * toRow, v128.shuffle<i64>(high01, high23, 0, 2));
    v128.store(t + 3 * toRow, v128.shuffle<i64>(high01, high23, 1, 3));
  }
}
