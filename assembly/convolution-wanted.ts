/**
 * @file convolution-shared-zeros.ts's input gradient where only some entries of x are wanted, as those are that the next ReLU lets
 * through: others are left out too, and are +0.
 *
 *   wanted[image] [c, h, w]: where it is > 0, entries of x[image, row] are asked for
 *
 * Rows are lanes (lane-microkernel.ts), so that every pixel has its own list of channels. A line of pixels is written out once no later
 * position sees it.
 */

import { transpose } from "./broadcast-transpose";
import { COLUMNS, OFFSET, STEP, VECTORS, X_BYTES, laneMicrokernelF32, laneMicrokernelF64 } from "./lane-microkernel";
import { padded } from "./memory";

/** Bytes before the packed steps of a position, in cache lines of their own: their number. */
const HEAD_BYTES: usize = 64;
/** Columns of the last tile that a list of channels ends with beyond its own: of a channel without meaning. */
const SPARE: i32 = COLUMNS - 1;
/** Pixels, or positions, of lines that go together. */
const RUN: i32 = 128;

/** One channel more than there are, for the spare columns. */
function kernelBytes<T>(c: i32, o: i32, taps: i32): usize {
  return padded(<usize>((c + 1) * taps) * <usize>o * sizeof<T>());
}

function positionBytes(o: i32): usize {
  return HEAD_BYTES + <usize>o * STEP;
}

/** The number of channels wanted at a pixel, then their indices. */
function listBytes(c: i32): usize {
  return <usize>(1 + c + SPARE) << 2;
}

/** Lines that are packed, or written out, together: long runs of memory. */
function together(width: i32): i32 {
  return max(1, RUN / width);
}

/** Lines of pixels in memory: those that a line of positions sees, those between, and others not yet written out. */
function linesOf(w: i32, kh: i32, dilationH: i32): i32 {
  const run = together(w);
  return ((kh - 1) * dilationH + 2 * run - 1) / run * run;
}

function packedBytes(o: i32, ow: i32): usize {
  return padded(<usize>(together(ow) * ow) * positionBytes(o));
}

export function lanesScratchBytes<T>(c: i32, h: i32, w: i32, o: i32, kh: i32, kw: i32, dilationH: i32, ow: i32): usize {
  const pixels = <usize>(linesOf(w, kh, dilationH) * w) * <usize>(c + 1) * X_BYTES;
  return kernelBytes<T>(c, o, kh * kw) + packedBytes(o, ow) + padded(<usize>(h * w) * listBytes(c)) + pixels;
}

/** Whether most lanes would be rows. */
export function fillLanes<T>(rows: i32): bool {
  const lanes = VECTORS * 16 / <i32>sizeof<T>();
  return 3 * rows >= 2 * ((rows + lanes - 1) / lanes * lanes);
}

export function wantedInputGradient<T>(
  images: i32, rows: i32, c: i32, h: i32, w: i32, o: i32, kh: i32, kw: i32, strideH: i32, strideW: i32,
  padTop: i32, padLeft: i32, dilationH: i32, dilationW: i32, oh: i32, ow: i32,
  d: usize, imageD: i32, rowD: i32, k: usize, wanted: usize, imageWanted: i32, x: usize, imageX: i32, rowX: i32, packedK: usize,
): void {
  const lanes = VECTORS * 16 / <i32>sizeof<T>();
  const packedD = packedK + kernelBytes<T>(c, o, kh * kw);
  const lists = packedD + packedBytes(o, ow);
  const pixels = lists + padded(<usize>(h * w) * listBytes(c));
  const lines = linesOf(w, kh, dilationH), packs = together(ow), flushes = together(w);
  const tapBytes = <usize>o * sizeof<T>();
  const kBytes = <usize>(kh * kw) * tapBytes;
  transpose<T>(o, c * kh * kw, k, <usize>(c * kh * kw) * sizeof<T>(), packedK, tapBytes);
  memory.fill(packedK + <usize>c * kBytes, 0, kBytes);
  const pixelBytes = <usize>(c + 1) * X_BYTES, lineBytes = <usize>w * pixelBytes;
  // Lines are cleared as they are written out.
  memory.fill(pixels, 0, <usize>lines * lineBytes);
  for (let first = 0; first < rows; first += lanes) {
    const live = min(lanes, rows - first);
    memory.fill(packedD, 0, packedBytes(o, ow));
    for (let image = 0; image < images; image++) {
      listWanted<T>(c, h * w, wanted + <usize>image * <usize>imageWanted * sizeof<T>(), lists);
      const from = d + (<usize>image * <usize>imageD + <usize>first * <usize>rowD) * sizeof<T>();
      const to = x + (<usize>image * <usize>imageX + <usize>first * <usize>rowX) * sizeof<T>();
      let done = 0, packed = packedD;
      for (let oy = 0; oy <= oh; oy++) {
        const top = oy < oh ? min(h, oy * strideH - padTop) : h;
        for (; done + flushes <= top || (done < top && top == h); done += flushes) {
          const count = min(flushes, h - done) * w;
          const line = pixels + <usize>(done % lines) * lineBytes;
          unpackPixels<T>(live, c, h * w, count, line, pixelBytes, to + <usize>(done * w) * sizeof<T>(), <usize>rowX * sizeof<T>());
          memory.fill(line, 0, <usize>count * pixelBytes);
        }
        if (oy == oh) break;
        if (oy % packs == 0) {
          packed = packedD;
          const positions = min(packs, oh - oy) * ow;
          packPositions<T>(live, o, oh * ow, positions, from + <usize>(oy * ow) * sizeof<T>(), <usize>rowD * sizeof<T>(), packed);
        }
        for (let ky = 0; ky < kh; ky++) {
          const y = oy * strideH - padTop + ky * dilationH;
          if (<u32>y >= <u32>h) continue;
          const line = pixels + <usize>(y % lines) * lineBytes;
          addLine<T>(
            o, w, kw, strideW, padLeft, dilationW, ow, packed,
            packedK + <usize>(ky * kw) * tapBytes, kBytes, lists + <usize>(y * w) * listBytes(c), listBytes(c), line, pixelBytes,
          );
        }
        packed += <usize>ow * positionBytes(o);
      }
    }
  }
}

/** Writes pixels out, a vector of rows at a time: the cache lines of more may not fit in one set of L1. */
function unpackPixels<T>(live: i32, c: i32, plane: i32, count: i32, pixels: usize, pixelBytes: usize, x: usize, rowBytes: usize): void {
  const lanes = 16 / <i32>sizeof<T>();
  for (let channel = 0; channel < c; channel++) {
    for (let row = 0; row < live; row += lanes) {
      transpose<T>(count, min(lanes, live - row), pixels + <usize>row * sizeof<T>(), pixelBytes, x + <usize>row * rowBytes, rowBytes);
    }
    pixels += X_BYTES;
    x += <usize>plane * sizeof<T>();
  }
}

/** At every pixel the channels that are wanted there. */
function listWanted<T>(c: i32, pixels: i32, wanted: usize, lists: usize): void {
  const bytes = listBytes(c);
  const end = lists + <usize>pixels * bytes;
  for (let list = lists; list < end; list += bytes) store<i32>(list, 0);
  for (let channel = 0; channel < c; channel++) {
    for (let list = lists; list < end; list += bytes) {
      const count = load<i32>(list);
      store<i32>(list + (<usize>count << 2), channel, 4);
      // No branch, which nothing could predict.
      store<i32>(list, count + <i32>(load<T>(wanted) > <T>0));
      wanted += sizeof<T>();
    }
  }
  for (let list = lists; list < end; list += bytes) {
    const last = list + (<usize>load<i32>(list) << 2);
    for (let i: usize = 0; i < <usize>SPARE; i++) store<i32>(last + (i << 2), c, 4);
  }
}

/** The steps of every position. */
function packPositions<T>(live: i32, o: i32, plane: i32, positions: i32, d: usize, rowBytes: usize, packed: usize): void {
  const bytes = positionBytes(o);
  for (let i = 0; i < o; i++) {
    transpose<T>(live, positions, d + <usize>(i * plane) * sizeof<T>(), rowBytes, packed + HEAD_BYTES + <usize>i * STEP, bytes);
  }
  for (let position = 0; position < positions; position++) {
    const begin = packed + HEAD_BYTES;
    let to = begin, from = begin;
    for (let offset: usize = 0; offset < <usize>o * sizeof<T>(); offset += sizeof<T>()) {
      const d0 = v128.load(from), d1 = v128.load(from, 16), d2 = v128.load(from, 32);
      v128.store(to, d0);
      v128.store(to, d1, 16);
      v128.store(to, d2, 32);
      store<u32>(to, <u32>offset, OFFSET);
      to += <usize>v128.any_true(v128.ne<T>(v128.or(v128.or(d0, d1), d2), v128.splat<T>(<T>0))) * STEP;
      from += STEP;
    }
    store<i32>(packed, <i32>((to - begin) / STEP));
    packed += bytes;
  }
}

/** Adds the products of a line of positions with the taps of a line of the kernel to the line of pixels that they see. */
function addLine<T>(
  o: i32, w: i32, kw: i32, strideW: i32, padLeft: i32, dilationW: i32, ow: i32,
  packed: usize, k: usize, kBytes: usize, lists: usize, ofPixel: usize, line: usize, pixelBytes: usize,
): void {
  for (let ox = 0; ox < ow; ox++) {
    const steps = load<i32>(packed), d = packed + HEAD_BYTES;
    packed += positionBytes(o);
    if (steps == 0) continue;
    for (let kx = 0; kx < kw; kx++) {
      const x = ox * strideW - padLeft + kx * dilationW;
      if (<u32>x >= <u32>w) continue;
      const tap = k + <usize>(kx * o) * sizeof<T>(), pixel = line + <usize>x * pixelBytes;
      const list = lists + <usize>x * ofPixel;
      const end = list + 4 + (<usize>load<i32>(list) << 2);
      for (let channels = list + 4; channels < end; channels += <usize>COLUMNS << 2) {
        if (sizeof<T>() == 8) laneMicrokernelF64(steps, d, tap, kBytes, channels, pixel);
        else laneMicrokernelF32(steps, d, tap, kBytes, channels, pixel);
      }
    }
  }
}
