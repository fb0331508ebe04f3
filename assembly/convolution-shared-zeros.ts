/**
 * @file The input gradient of a convolution whose cotangents are zero at the same places in all rows of an image, as those of all outputs
 * are behind a ReLU: those terms are left out.
 *
 *   x[image, row] [c, h, w] ← the transpose of the convolution with k [o, c, kh, kw], of d[image, row] [o, oh, ow]
 *
 * At each position five rows of d are packed without the channels at which all five are zero. Every tap multiplies them by its part of
 * k, [o, c], and adds to the pixel that it sees. A product is summed over o from +0, and a pixel adds products in order of output
 * position (oy, then ox): for o ≤ KC these are the bits of gemm and fold over all terms, where k is finite.
 *
 * Entries of x that are not wanted are +0. They are not computed where that is faster (convolution-wanted.ts): not in the wide module, whose
 * vectors of rows would be half empty.
 */

import { transpose } from "./broadcast-transpose";
import { fillLanes, lanesScratchBytes, wantedInputGradient } from "./convolution-wanted";
import { packB } from "./gemm";
import { NR_BYTES } from "./gemm-microkernel";
import { padded } from "./memory";
import { STEP, selectedMicrokernel } from "./selected-microkernel";
import { ROWS, WIDEST_NR_BYTES, packSteps } from "./shared-zeros";

/** Bytes before the packed steps of a position: their number. */
const HEAD_BYTES: usize = 8;

/** Bytes of c columns in whole panels, whose rows are panelBytes long. */
function rowBytesOf<T>(c: i32, panelBytes: i32): usize {
  return (<usize>c * sizeof<T>() + panelBytes - 1) / panelBytes * panelBytes;
}

/** Panels as of the wide module, the widest: both modules declare the same scratch. */
function kernelBytes<T>(c: i32, o: i32, taps: i32): usize {
  return padded(<usize>taps * <usize>o * rowBytesOf<T>(c, WIDEST_NR_BYTES));
}

function stepsBytes<T>(o: i32): usize {
  return HEAD_BYTES + <usize>(o + 1) * STEP<T>();
}

function scratchBytes<T>(rows: i32, c: i32, h: i32, w: i32, o: i32, kh: i32, kw: i32, dilationH: i32, ow: i32): usize {
  const tiles = (rows + ROWS - 1) / ROWS;
  const pixels = <usize>(h * w) * <usize>(tiles * ROWS) * rowBytesOf<T>(c, WIDEST_NR_BYTES);
  const bytes = kernelBytes<T>(c, o, kh * kw) + padded(<usize>(ow * tiles) * stepsBytes<T>(o)) + pixels;
  return max(bytes, lanesScratchBytes<T>(c, h, w, o, kh, kw, dilationH, ow));
}

function inputGradient<T>(
  images: i32, rows: i32, c: i32, h: i32, w: i32, o: i32, kh: i32, kw: i32, strideH: i32, strideW: i32,
  padTop: i32, padLeft: i32, dilationH: i32, dilationW: i32, oh: i32, ow: i32,
  d: usize, imageD: i32, rowD: i32, k: usize, wanted: usize, imageWanted: i32, x: usize, imageX: i32, rowX: i32, packedK: usize,
): void {
  if (!WIDE && wanted != 0 && fillLanes<T>(rows)) {
    wantedInputGradient<T>(
      images, rows, c, h, w, o, kh, kw, strideH, strideW, padTop, padLeft, dilationH, dilationW, oh, ow,
      d, imageD, rowD, k, wanted, imageWanted, x, imageX, rowX, packedK,
    );
    return;
  }
  const tiles = (rows + ROWS - 1) / ROWS;
  const rowBytes = rowBytesOf<T>(c, NR_BYTES);
  const pixelBytes = <usize>(tiles * ROWS) * rowBytes;
  const tapBytes = <usize>o * rowBytes;
  const packedD = packedK + kernelBytes<T>(c, o, kh * kw);
  const pixels = packedD + padded(<usize>(ow * tiles) * stepsBytes<T>(o));
  for (let tap = 0; tap < kh * kw; tap++) {
    packB<T>(c, o, k + <usize>tap * sizeof<T>(), kh * kw, c * kh * kw, packedK + <usize>tap * tapBytes);
  }
  for (let image = 0; image < images; image++) {
    memory.fill(pixels, 0, <usize>(h * w) * pixelBytes);
    for (let oy = 0; oy < oh; oy++) {
      packRow<T>(rows, o, oh * ow, ow, d + (<usize>image * <usize>imageD + <usize>(oy * ow)) * sizeof<T>(), rowD, packedD);
      for (let ky = 0; ky < kh; ky++) {
        const y = oy * strideH - padTop + ky * dilationH;
        if (<u32>y >= <u32>h) continue;
        const line = pixels + <usize>(y * w) * pixelBytes;
        addRow<T>(tiles, o, w, kw, strideW, padLeft, dilationW, ow, packedD, packedK + <usize>(ky * kw) * tapBytes, line, rowBytes);
      }
    }
    for (let row = 0; row < rows; row++) {
      const to = x + (<usize>image * <usize>imageX + <usize>row * <usize>rowX) * sizeof<T>();
      transpose<T>(h * w, c, pixels + <usize>row * rowBytes, pixelBytes, to, <usize>(h * w) * sizeof<T>());
      if (wanted != 0) keepWanted<T>(c * h * w, wanted + <usize>image * <usize>imageWanted * sizeof<T>(), to);
    }
  }
}

/** x ← wanted > 0 ? x : +0. */
function keepWanted<T>(n: i32, wanted: usize, x: usize): void {
  const rest = n & (16 / <i32>sizeof<T>() - 1);
  let end = x + <usize>(n - rest) * sizeof<T>();
  for (; x < end; x += 16) {
    v128.store(x, v128.and(v128.load(x), v128.gt<T>(v128.load(wanted), v128.splat<T>(<T>0))));
    wanted += 16;
  }
  end += <usize>rest * sizeof<T>();
  for (; x < end; x += sizeof<T>()) {
    if (!(load<T>(wanted) > <T>0)) store<T>(x, <T>0);
    wanted += sizeof<T>();
  }
}

/** The steps of every position of a row, tile by tile of five rows of d: [ow, tiles]. */
function packRow<T>(rows: i32, o: i32, plane: i32, ow: i32, d: usize, rowD: i32, packed: usize): void {
  for (let ox = 0; ox < ow; ox++) {
    for (let row = 0; row < rows; row += ROWS) {
      const from = d + (<usize>row * <usize>rowD + <usize>ox) * sizeof<T>();
      const live = min(ROWS, rows - row), rsBytes = <usize>rowD * sizeof<T>(), csBytes = <usize>plane * sizeof<T>();
      const steps = packSteps<T>(live, o, from, rsBytes, csBytes, packed + HEAD_BYTES);
      store<i32>(packed, steps);
      packed += stepsBytes<T>(o);
    }
  }
}

/** Adds the products of a row of positions with the taps of a row of the kernel to the line of pixels that they see. */
function addRow<T>(
  tiles: i32, o: i32, w: i32, kw: i32, strideW: i32, padLeft: i32, dilationW: i32, ow: i32,
  packed: usize, k: usize, line: usize, rowBytes: usize,
): void {
  const tileBytes = <usize>ROWS * rowBytes, tapBytes = <usize>o * rowBytes;
  const panelBytes = <usize>o * NR_BYTES;
  for (let ox = 0; ox < ow; ox++) {
    for (let tile = 0; tile < tiles; tile++) {
      const steps = load<i32>(packed), list = packed + HEAD_BYTES;
      packed += stepsBytes<T>(o);
      if (steps == 0) continue;
      for (let kx = 0; kx < kw; kx++) {
        const x = ox * strideW - padLeft + kx * dilationW;
        if (<u32>x >= <u32>w) continue;
        let panel = k + <usize>kx * tapBytes;
        let to = line + <usize>(x * tiles + tile) * tileBytes;
        for (const end = to + rowBytes; to < end; to += NR_BYTES) {
          selectedMicrokernel<T>(1, steps, list, panel, to, rowBytes);
          panel += panelBytes;
        }
      }
    }
  }
}

export function convolutionSharedZerosF64(
  images: i32, rows: i32, c: i32, h: i32, w: i32, o: i32, kh: i32, kw: i32, strideH: i32, strideW: i32,
  padTop: i32, padLeft: i32, dilationH: i32, dilationW: i32, oh: i32, ow: i32,
  dPtr: usize, imageD: i32, rowD: i32, kPtr: usize, wantedPtr: usize, imageWanted: i32, xPtr: usize, imageX: i32, rowX: i32, scratchPtr: usize,
): void {
  inputGradient<f64>(
    images, rows, c, h, w, o, kh, kw, strideH, strideW, padTop, padLeft, dilationH, dilationW, oh, ow,
    dPtr, imageD, rowD, kPtr, wantedPtr, imageWanted, xPtr, imageX, rowX, scratchPtr,
  );
}

export function convolutionSharedZerosF32(
  images: i32, rows: i32, c: i32, h: i32, w: i32, o: i32, kh: i32, kw: i32, strideH: i32, strideW: i32,
  padTop: i32, padLeft: i32, dilationH: i32, dilationW: i32, oh: i32, ow: i32,
  dPtr: usize, imageD: i32, rowD: i32, kPtr: usize, wantedPtr: usize, imageWanted: i32, xPtr: usize, imageX: i32, rowX: i32, scratchPtr: usize,
): void {
  inputGradient<f32>(
    images, rows, c, h, w, o, kh, kw, strideH, strideW, padTop, padLeft, dilationH, dilationW, oh, ow,
    dPtr, imageD, rowD, kPtr, wantedPtr, imageWanted, xPtr, imageX, rowX, scratchPtr,
  );
}

export function convolutionSharedZerosScratchBytesF64(
  rows: i32, c: i32, h: i32, w: i32, o: i32, kh: i32, kw: i32, dilationH: i32, ow: i32,
): usize {
  return scratchBytes<f64>(rows, c, h, w, o, kh, kw, dilationH, ow);
}

export function convolutionSharedZerosScratchBytesF32(
  rows: i32, c: i32, h: i32, w: i32, o: i32, kh: i32, kw: i32, dilationH: i32, ow: i32,
): usize {
  return scratchBytes<f32>(rows, c, h, w, o, kh, kw, dilationH, ow);
}
