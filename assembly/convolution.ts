/**
 * @file Patches of images for convolution as GEMM, and their transpose.
 *
 *   im2col   out [n, oh·ow, (c1 − c0)·kh·kw] ← x [n, c, h, w]; +0 outside the image
 *   col2im   x += patches; x is not cleared
 *
 * One patch is a row of out: for each channel and kernel row, a run of kw positions of one image row.
 * col2im adds to each element of x in order of output position (oy, then ox), starting from what x holds.
 */

import { transpose } from "./broadcast-transpose";
import { endInside, firstInside } from "./convolution-window";

// @ts-ignore: decorator
@inline
function visitPatches<T>(
  scatter: i32, n: i32, c: i32, h: i32, w: i32, c0: i32, c1: i32, kh: i32, kw: i32, strideH: i32, strideW: i32,
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
              if (scatter) addThree<T>(patches, at);
              else copyThree<T>(at, patches);
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
              if (!scatter) zeroRun<T>(runBytes, patches);
            } else {
              if (!scatter && before > 0) zeroRun<T>(before, patches);
              if (dilationW == 1) {
                if (scatter) addRun<T>(inside, patches + before, at);
                else copyRun<T>(inside, at, patches + before);
              } else {
                visitSparseRun<T>(scatter, kx1 - kx0, dilationW, at, patches + before);
              }
              if (!scatter && before + inside < runBytes) zeroRun<T>(runBytes - before - inside, patches + before + inside);
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
function addThree<T>(from: usize, to: usize): void {
  if (sizeof<T>() == 8) v128.store(to, f64x2.add(v128.load(to), v128.load(from)));
  else v128.store64_lane(to, f32x4.add(v128.load64_zero(to), v128.load64_zero(from)), 0);
  store<T>(to, load<T>(to, 2 * sizeof<T>()) + load<T>(from, 2 * sizeof<T>()), 2 * sizeof<T>());
}

/** Copies a short run: no call, no overshoot. */
// @ts-ignore: decorator
@inline
function copyRun<T>(bytes: usize, from: usize, to: usize): void {
  while (bytes >= 16) {
    v128.store(to, v128.load(from));
    from += 16;
    to += 16;
    bytes -= 16;
  }
  if (bytes & 8) {
    store<u64>(to, load<u64>(from));
    from += 8;
    to += 8;
  }
  if (sizeof<T>() == 4 && bytes & 4) store<u32>(to, load<u32>(from));
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

/** A run whose image positions are `dilation` apart. */
// @ts-ignore: decorator
@inline
function visitSparseRun<T>(scatter: i32, count: i32, dilation: i32, image: usize, patch: usize): void {
  const step = <usize>dilation * sizeof<T>();
  for (let kx = 0; kx < count; kx++) {
    if (scatter) store<T>(image, load<T>(image) + load<T>(patch));
    else store<T>(patch, load<T>(image));
    image += step;
    patch += sizeof<T>();
  }
}

/** Side of a block of the 1 × 1 transposes' sums, and the block. */
const BLOCK: i32 = 32;
const block: usize = memory.data(8192, 16);

/** Whether patches are the image itself, channels last: 1 × 1, stride 1, no padding. */
// @ts-ignore: decorator
@inline
function isPointwise(kh: i32, kw: i32, strideH: i32, strideW: i32, padTop: i32, padLeft: i32, h: i32, w: i32, oh: i32, ow: i32): bool {
  return kh == 1 && kw == 1 && strideH == 1 && strideW == 1 && padTop == 0 && padLeft == 0 && oh == h && ow == w;
}

/** x [channels, area] → patches [area, channels], or patches added to x. */
function visitPixels<T>(scatter: i32, area: i32, channels: i32, x: usize, patches: usize): void {
  const xRow = <usize>area * sizeof<T>(), patchRow = <usize>channels * sizeof<T>();
  if (!scatter) {
    transpose<T>(channels, area, x, xRow, patches, patchRow);
    return;
  }
  const blockRow = <usize>BLOCK * sizeof<T>();
  for (let pixel = 0; pixel < area; pixel += BLOCK) {
    const width = min(BLOCK, area - pixel);
    for (let channel = 0; channel < channels; channel += BLOCK) {
      const height = min(BLOCK, channels - channel);
      transpose<T>(width, height, patches + <usize>pixel * patchRow + <usize>channel * sizeof<T>(), patchRow, block, blockRow);
      for (let row = 0; row < height; row++) {
        addRun<T>(<usize>width * sizeof<T>(), block + <usize>row * blockRow, x + <usize>(channel + row) * xRow + <usize>pixel * sizeof<T>());
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function convolutionPatches<T>(
  scatter: i32, n: i32, c: i32, h: i32, w: i32, c0: i32, c1: i32, kh: i32, kw: i32, strideH: i32, strideW: i32,
  padTop: i32, padLeft: i32, dilationH: i32, dilationW: i32, oh: i32, ow: i32, x: usize, patches: usize,
): void {
  if (!isPointwise(kh, kw, strideH, strideW, padTop, padLeft, h, w, oh, ow)) {
    visitPatches<T>(scatter, n, c, h, w, c0, c1, kh, kw, strideH, strideW, padTop, padLeft, dilationH, dilationW, oh, ow, x, patches);
    return;
  }
  const area = h * w, channels = c1 - c0;
  for (let image = 0; image < n; image++) {
    const at = x + (<usize>image * <usize>c + <usize>c0) * <usize>area * sizeof<T>();
    visitPixels<T>(scatter, area, channels, at, patches + <usize>image * <usize>area * <usize>channels * sizeof<T>());
  }
}

export function im2colF64(
  n: i32, c: i32, h: i32, w: i32, c0: i32, c1: i32, kh: i32, kw: i32, strideH: i32, strideW: i32,
  padTop: i32, padLeft: i32, dilationH: i32, dilationW: i32, oh: i32, ow: i32, xPtr: usize, outPtr: usize,
): void {
  convolutionPatches<f64>(0, n, c, h, w, c0, c1, kh, kw, strideH, strideW, padTop, padLeft, dilationH, dilationW, oh, ow, xPtr, outPtr);
}

export function im2colF32(
  n: i32, c: i32, h: i32, w: i32, c0: i32, c1: i32, kh: i32, kw: i32, strideH: i32, strideW: i32,
  padTop: i32, padLeft: i32, dilationH: i32, dilationW: i32, oh: i32, ow: i32, xPtr: usize, outPtr: usize,
): void {
  convolutionPatches<f32>(0, n, c, h, w, c0, c1, kh, kw, strideH, strideW, padTop, padLeft, dilationH, dilationW, oh, ow, xPtr, outPtr);
}

export function col2imF64(
  n: i32, c: i32, h: i32, w: i32, c0: i32, c1: i32, kh: i32, kw: i32, strideH: i32, strideW: i32,
  padTop: i32, padLeft: i32, dilationH: i32, dilationW: i32, oh: i32, ow: i32, patchesPtr: usize, xPtr: usize,
): void {
  convolutionPatches<f64>(1, n, c, h, w, c0, c1, kh, kw, strideH, strideW, padTop, padLeft, dilationH, dilationW, oh, ow, xPtr, patchesPtr);
}

export function col2imF32(
  n: i32, c: i32, h: i32, w: i32, c0: i32, c1: i32, kh: i32, kw: i32, strideH: i32, strideW: i32,
  padTop: i32, padLeft: i32, dilationH: i32, dilationW: i32, oh: i32, ow: i32, patchesPtr: usize, xPtr: usize,
): void {
  convolutionPatches<f32>(1, n, c, h, w, c0, c1, kh, kw, strideH, strideW, padTop, padLeft, dilationH, dilationW, oh, ow, xPtr, patchesPtr);
}
