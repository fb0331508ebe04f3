/**
 * @file Panels: as many columns, or vectors, as fill two v128, step by step, so that one step is read as it stands.
 */

/** Bytes of a step. */
export const STEP_BYTES: i32 = 32;

/** Columns of a panel. */
// @ts-ignore: decorator
@inline
export function WIDTH<T>(): i32 {
  return STEP_BYTES / sizeof<T>();
}

/** Panels of WIDTH columns, step by step; columns past the last are filled, and what they give is not used. */
export function packColumns<T>(n: i32, k: i32, src: usize, rs: i32, cs: i32, dst: usize): void {
  const rsBytes = <usize>rs * sizeof<T>(), csBytes = <usize>cs * sizeof<T>();
  for (let j = 0; j < n; j += WIDTH<T>()) {
    const live = min(WIDTH<T>(), n - j);
    if (rs == 1) {
      for (let lane = 0; lane < WIDTH<T>(); lane += 16 / <i32>sizeof<T>()) {
        packStrip<T>(live - lane, k, lane < live ? src + <usize>lane * csBytes : src, csBytes, dst + <usize>lane * sizeof<T>());
      }
    } else {
      let from = src, to = dst;
      for (const end = dst + <usize>k * STEP_BYTES; to < end; to += STEP_BYTES) {
        let at = from;
        for (let column = 0; column < WIDTH<T>(); column++) {
          store<T>(to + <usize>column * sizeof<T>(), column < live ? load<T>(at) : <T>0);
          at += csBytes;
        }
        from += rsBytes;
      }
    }
    src += <usize>WIDTH<T>() * csBytes;
    dst += <usize>k * STEP_BYTES;
  }
}

/** 16 / sizeof<T>() columns, each contiguous along k, of which `live` exist. */
function packStrip<T>(live: i32, k: i32, s0: usize, csBytes: usize, dst: usize): void {
  let s1 = live > 1 ? s0 + csBytes : s0, s2 = live > 2 ? s1 + csBytes : s0, s3 = live > 3 ? s2 + csBytes : s0;
  const lanes = 16 / <i32>sizeof<T>();
  const rest = k % lanes;
  for (const end = s0 + <usize>(k - rest) * sizeof<T>(); s0 < end; s0 += 16) {
    const v0 = v128.load(s0), v1 = v128.load(s1);
    if (sizeof<T>() == 8) {
      v128.store(dst, v128.shuffle<i64>(v0, v1, 0, 2));
      v128.store(dst, v128.shuffle<i64>(v0, v1, 1, 3), 32);
      dst += 64;
    } else {
      const v2 = v128.load(s2), v3 = v128.load(s3);
      const low01 = v128.shuffle<i32>(v0, v1, 0, 4, 1, 5), high01 = v128.shuffle<i32>(v0, v1, 2, 6, 3, 7);
      const low23 = v128.shuffle<i32>(v2, v3, 0, 4, 1, 5), high23 = v128.shuffle<i32>(v2, v3, 2, 6, 3, 7);
      v128.store(dst, v128.shuffle<i64>(low01, low23, 0, 2));
      v128.store(dst, v128.shuffle<i64>(low01, low23, 1, 3), 32);
      v128.store(dst, v128.shuffle<i64>(high01, high23, 0, 2), 64);
      v128.store(dst, v128.shuffle<i64>(high01, high23, 1, 3), 96);
      dst += 128;
      s2 += 16;
      s3 += 16;
    }
    s1 += 16;
  }
  for (let l = 0; l < rest; l++) {
    const at = <usize>l * sizeof<T>();
    store<T>(dst, load<T>(s0 + at));
    store<T>(dst, load<T>(s1 + at), sizeof<T>());
    if (sizeof<T>() == 4) {
      store<T>(dst, load<T>(s2 + at), 8);
      store<T>(dst, load<T>(s3 + at), 12);
    }
    dst += STEP_BYTES;
  }
}

/** Vectors ← panel, the inverse of packColumns. */
export function separate<T>(n: i32, live: i32, panelPtr: usize, outPtr: usize): void {
  for (let v = 0; v < live; v++) {
    let from = panelPtr + <usize>v * sizeof<T>();
    for (const end = outPtr + <usize>n * sizeof<T>(); outPtr < end; outPtr += sizeof<T>()) {
      store<T>(outPtr, load<T>(from));
      from += STEP_BYTES;
    }
  }
}
