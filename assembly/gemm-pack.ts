/**
 * @file Packing for GEMM: a strided block becomes panels that the microkernel reads front to back.
 *
 *   panel p of a block [rows, k], P rows per panel:     address order
 *
 *     row 0   | 0   P   2P  …          one step of k is P contiguous elements;
 *     row 1   | 1   P+1 …              rows past the end are +0, so that an edge tile
 *       …     | …                      runs through the same microkernel and its live
 *     row P−1 | P−1 2P−1 …             elements have the bits of any other position.
 */

/** Packs [rows, k] at `src` (strides rs, cs in elements) into panels of `P` rows at `dst`. */
export function packPanels<T>(P: i32, rows: i32, k: i32, src: usize, rs: i32, cs: i32, dst: usize): void {
  const rsBytes = <usize>rs * sizeof<T>();
  const csBytes = <usize>cs * sizeof<T>();
  for (let r = 0; r < rows; r += P) {
    const live = min(P, rows - r);
    for (let l = 0; l < k; l++) {
      let s = src + <usize>r * rsBytes + <usize>l * csBytes;
      for (let i = 0; i < live; i++) {
        store<T>(dst, load<T>(s));
        s += rsBytes;
        dst += sizeof<T>();
      }
      for (let i = live; i < P; i++) {
        store<T>(dst, <T>0);
        dst += sizeof<T>();
      }
    }
  }
}
