/**
 * @file What a sliding window sees, for convolution as GEMM, and its transpose.
 *
 *   im2col   out [n, oh·ow, (c1 − c0)·kh·kw] ← x [n, c, h, w]; +0 outside the image
 *   unfold   out [n, (c1 − c0)·kh·kw, oh·ow] ← x, the same, tap by tap
 *   fold     x += taps [n, (c1 − c0)·kh·kw, oh·ow]; x is not cleared
 *
 * A row of im2col is a patch: for each channel and kernel row, a run of kw positions of one image row. A row of unfold is what
 * one tap of the kernel sees: for each output row, a run of ow positions, strides apart, of one image row.
 * fold adds to each element of x in order of output position (oy, then ox), starting from what x holds: taps from the last to
 * the first, since of two taps over one element the later sees it from the earlier position.
 */

import { transpose } from "./broadcast-transpose";
import { endInside, firstInside } from "./convolution-window";
import { copyRun } from "./memory";

// @ts-ignore: decorator
@inline
function gatherPatches<T>(
  n: i32, c: i32, h: i32, w: i32, c0: i32, c1: i32, kh: i32, kw: i32, strideH: i32, strideW: i32,
  padTop: i32, padLeft: i32, dilationH: i32, dilationW: i32, oh: i32, ow: i32, x: usize, patches: usize,
): void {
  const plane = <usize>h * <usize>w * sizeof<T>();
  const rowStep = <usize>dilationH * <usize>w * sizeof<T>();
  const runBytes = <usize>kw * sizeof<T>();
  for (let image = 0; image < n; image++) {
    const base = x + (<usize>image * <usize>c + <usize>c0) * plane;
    for (let oy = 0; oy < oh; oy++) {
      const top = oy * strideH - padTop;
      const ky0 = firstInside(top, dilationH, kh), ky1 = endInside(top, dilationH, kh, h);
      for (let ox = 0; ox < ow; ox++) {
        const left = ox * strideW - padLeft;
        const kx0 = firstInside(left, dilationW, kw), kx1 = endInside(left, dilationW, kw, w);
        const before = <usize>kx0 * sizeof<T>(), inside = <usize>(kx1 - kx0) * sizeof<T>();
        if (kw == 3 && dilationW == 1 && kx1 - kx0 == 3 && ky1 - ky0 == kh) {
          let corner = base + (<usize>top * <usize>w + <usize>left) * sizeof<T>();
          for (let channel = c0; channel < c1; channel++) {
            let at = corner;
            for (let ky = 0; ky < kh; ky++) {
              copyThree<T>(at, patches);
              at += rowStep;
              patches += 3 * sizeof<T>();
            }
            corner += plane;
          }
          continue;
        }
        let channelBase = base + <usize>(top + ky0 * dilationH) * <usize>w * sizeof<T>() + <usize>(left + kx0 * dilationW) * sizeof<T>();
        for (let channel = c0; channel < c1; channel++) {
          let at = channelBase;
          for (let ky = 0; ky < kh; ky++) {
            if (ky < ky0 || ky >= ky1) {
              zeroRun<T>(runBytes, patches);
            } else {
              if (before > 0) zeroRun<T>(before, patches);
              if (dilationW == 1) copyRun<T>(inside, at, patches + before);
              else gatherRun<T>(kx1 - kx0, dilationW, at, patches + before);
              if (before + inside < runBytes) zeroRun<T>(runBytes - before - inside, patches + before + inside);
              at += rowStep;
            }
            patches += runBytes;
          }
          channelBase += plane;
        }
      }
    }
  }
}

/** Every tap of every channel: the plane [oh, ow] it sees, read (unfold) or added (fold). */
// @ts-ignore: decorator
@inline
function visitTaps<T>(
  add: i32, n: i32, c: i32, h: i32, w: i32, c0: i32, c1: i32, kh: i32, kw: i32, strideH: i32, strideW: i32,
  padTop: i32, padLeft: i32, dilationH: i32, dilationW: i32, oh: i32, ow: i32, x: usize, taps: usize,
): void {
  const plane = <usize>h * <usize>w * sizeof<T>(), tapPlane = <usize>oh * <usize>ow * sizeof<T>();
  const rowStep = <usize>strideH * <usize>w * sizeof<T>(), tapRow = <usize>ow * sizeof<T>();
  const count = kh * kw;
  for (let image = 0; image < n; image++) {
    let channelBase = x + (<usize>image * <usize>c + <usize>c0) * plane;
    for (let channel = c0; channel < c1; channel++) {
      for (let index = count - 1; index >= 0; index--) {
        const ky = index / kw, kx = index - ky * kw;
        const top = ky * dilationH - padTop, left = kx * dilationW - padLeft;
        const oy0 = firstInside(top, strideH, oh), oy1 = endInside(top, strideH, oh, h);
        const ox0 = firstInside(left, strideW, ow), ox1 = endInside(left, strideW, ow, w);
        const before = <usize>ox0 * sizeof<T>(), inside = <usize>(ox1 - ox0) * sizeof<T>();
        let tap = taps + <usize>index * tapPlane;
        const end = tap + tapPlane;
        if (!add) zeroRun<T>(<usize>oy0 * tapRow, tap);
        tap += <usize>oy0 * tapRow;
        let at = channelBase + (<usize>(top + oy0 * strideH) * <usize>w + <usize>(left + ox0 * strideW)) * sizeof<T>();
        for (let oy = oy0; oy < oy1; oy++) {
          if (!add) {
            if (before > 0) zeroRun<T>(before, tap);
            if (strideW == 1) copyRun<T>(inside, at, tap + before);
            else gatherRun<T>(ox1 - ox0, strideW, at, tap + before);
            if (before + inside < tapRow) zeroRun<T>(tapRow - before - inside, tap + before + inside);
          } else if (strideW == 1) {
            addRun<T>(inside, tap + before, at);
          } else {
            scatterRun<T>(ox1 - ox0, strideW, tap + before, at);
          }
          tap += tapRow;
          at += rowStep;
        }
        if (!add) zeroRun<T>(<usize>(end - tap), tap);
      }
      taps += <usize>count * tapPlane;
      channelBase += plane;
    }
  }
}

/** The run of a 3 × 3 kernel inside the image, which most convolutions spend their time on. */
// @ts-ignore: decorator
@inline
function copyThree<T>(from: usize, to: usize): void {
  if (sizeof<T>() == 8) {
    v128.store(to, v128.load(from));
    store<f64>(to, load<f64>(from, 16), 16);
  } else {
    store<u64>(to, load<u64>(from));
    store<f32>(to, load<f32>(from, 8), 8);
  }
}

// @ts-ignore: decorator
@inline
function zeroRun<T>(bytes: usize, to: usize): void {
  for (const end = to + bytes; to < end; to += sizeof<T>()) store<T>(to, <T>0);
}

// @ts-ignore: decorator
@inline
function addRun<T>(bytes: usize, from: usize, to: usize): void {
  while (bytes >= 16) {
    v128.store(to, v128.add<T>(v128.load(to), v128.load(from)));
    from += 16;
    to += 16;
    bytes -= 16;
  }
  for (const end = to + bytes; to < end; to += sizeof<T>()) {
    store<T>(to, load<T>(to) + load<T>(from));
    from += sizeof<T>();
  }
}

/** to[k] ← from[k·step]. */
// @ts-ignore: decorator
@inline
function gatherRun<T>(count: i32, step: i32, from: usize, to: usize): void {
  for (let k = 0; k < count; k++) {
    store<T>(to, load<T>(from));
    from += <usize>step * sizeof<T>();
    to += sizeof<T>();
  }
}

/** to[k·step] += from[k]. */
// @ts-ignore: decorator
@inline
function scatterRun<T>(count: i32, step: i32, from: usize, to: usize): void {
  for (let k = 0; k < count; k++) {
    store<T>(to, load<T>(to) + load<T>(from));
    from += sizeof<T>();
    to += <usize>step * sizeof<T>();
  }
}

/** Whether patches are the image itself, channels last: 1 × 1, stride 1, no padding. */
// @ts-ignore: decorator
@inline
function isPointwise(kh: i32, kw: i32, strideH: i32, strideW: i32, padTop: i32, padLeft: i32, h: i32, w: i32, oh: i32, ow: i32): bool {
  return kh == 1 && kw == 1 && strideH == 1 && strideW == 1 && padTop == 0 && padLeft == 0 && oh == h && ow == w;
}

// @ts-ignore: decorator
@inline
function im2col<T>(
  n: i32, c: i32, h: i32, w: i32, c0: i32, c1: i32, kh: i32, kw: i32, strideH: i32, strideW: i32,
  padTop: i32, padLeft: i32, dilationH: i32, dilationW: i32, oh: i32, ow: i32, x: usize, patches: usize,
): void {
  if (!isPointwise(kh, kw, strideH, strideW, padTop, padLeft, h, w, oh, ow)) {
    gatherPatches<T>(n, c, h, w, c0, c1, kh, kw, strideH, strideW, padTop, padLeft, dilationH, dilationW, oh, ow, x, patches);
    return;
  }
  const area = h * w, channels = c1 - c0;
  const areaRow = <usize>area * sizeof<T>(), patchRow = <usize>channels * sizeof<T>();
  for (let image = 0; image < n; image++) {
    transpose<T>(channels, area, x + (<usize>image * <usize>c + <usize>c0) * areaRow, areaRow, patches + <usize>(image * area) * patchRow, patchRow);
  }
}

export function im2colF64(
  n: i32, c: i32, h: i32, w: i32, c0: i32, c1: i32, kh: i32, kw: i32, strideH: i32, strideW: i32,
  padTop: i32, padLeft: i32, dilationH: i32, dilationW: i32, oh: i32, ow: i32, xPtr: usize, outPtr: usize,
): void {
  im2col<f64>(n, c, h, w, c0, c1, kh, kw, strideH, strideW, padTop, padLeft, dilationH, dilationW, oh, ow, xPtr, outPtr);
}

export function im2colF32(
  n: i32, c: i32, h: i32, w: i32, c0: i32, c1: i32, kh: i32, kw: i32, strideH: i32, strideW: i32,
  padTop: i32, padLeft: i32, dilationH: i32, dilationW: i32, oh: i32, ow: i32, xPtr: usize, outPtr: usize,
): void {
  im2col<f32>(n, c, h, w, c0, c1, kh, kw, strideH, strideW, padTop, padLeft, dilationH, dilationW, oh, ow, xPtr, outPtr);
}

export function unfoldF64(
  n: i32, c: i32, h: i32, w: i32, c0: i32, c1: i32, kh: i32, kw: i32, strideH: i32, strideW: i32,
  padTop: i32, padLeft: i32, dilationH: i32, dilationW: i32, oh: i32, ow: i32, xPtr: usize, outPtr: usize,
): void {
  visitTaps<f64>(0, n, c, h, w, c0, c1, kh, kw, strideH, strideW, padTop, padLeft, dilationH, dilationW, oh, ow, xPtr, outPtr);
}

export function unfoldF32(
  n: i32, c: i32, h: i32, w: i32, c0: i32, c1: i32, kh: i32, kw: i32, strideH: i32, strideW: i32,
  padTop: i32, padLeft: i32, dilationH: i32, dilationW: i32, oh: i32, ow: i32, xPtr: usize, outPtr: usize,
): void {
  visitTaps<f32>(0, n, c, h, w, c0, c1, kh, kw, strideH, strideW, padTop, padLeft, dilationH, dilationW, oh, ow, xPtr, outPtr);
}

export function foldF64(
  n: i32, c: i32, h: i32, w: i32, c0: i32, c1: i32, kh: i32, kw: i32, strideH: i32, strideW: i32,
  padTop: i32, padLeft: i32, dilationH: i32, dilationW: i32, oh: i32, ow: i32, tapsPtr: usize, xPtr: usize,
): void {
  visitTaps<f64>(1, n, c, h, w, c0, c1, kh, kw, strideH, strideW, padTop, padLeft, dilationH, dilationW, oh, ow, xPtr, tapsPtr);
}

export function foldF32(
  n: i32, c: i32, h: i32, w: i32, c0: i32, c1: i32, kh: i32, kw: i32, strideH: i32, strideW: i32,
  padTop: i32, padLeft: i32, dilationH: i32, dilationW: i32, oh: i32, ow: i32, tapsPtr: usize, xPtr: usize,
): void {
  visitTaps<f32>(1, n, c, h, w, c0, c1, kh, kw, strideH, strideW, padTop, padLeft, dilationH, dilationW, oh, ow, xPtr, tapsPtr);
}
