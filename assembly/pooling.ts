/**
 * @file Pooling over planes [h, w] → [oh, ow] and the transposes; max pooling as a selection by the argmax of x.
 *
 * Max: padding counts as −∞, so only positions inside the image compete; the first maximum in row-major order wins; a
 * window without a position inside the image selects nothing (+0). NaN never wins over an earlier value (in PyTorch it
 * does): inputs are checked for NaN before they come here. Mean: the sum runs in row-major order in T, then one division.
 */

import { endInside, firstInside } from "./convolution-window";

/**
 * Position in the plane of the maximum of x over `rows` × `columns` taps from position `first` on, rows `rowStep` and columns
 * `dilation` positions apart; −1 without taps. In vector lanes, since a branch on random data is mispredicted every other time.
 */
// @ts-ignore: decorator
@inline
function argmax<T>(x: usize, first: i32, rows: i32, columns: i32, rowStep: i32, dilation: i32): i32 {
  if (rows <= 0 || columns <= 0) return -1;
  let best = v128.load_splat<T>(x + <usize>first * sizeof<T>());
  let at = i32x4.splat(first);
  for (let ky = 0; ky < rows; ky++) {
    let position = first;
    for (let kx = 0; kx < columns; kx++) {
      const value = v128.load_splat<T>(x + <usize>position * sizeof<T>());
      const better = v128.gt<T>(value, best);
      best = v128.bitselect(value, best, better);
      at = v128.bitselect(i32x4.splat(position), at, better);
      position += dilation;
    }
    first += rowStep;
  }
  return i32x4.extract_lane(at, 0);
}

// @ts-ignore: decorator
@inline
function maxPool<T>(
  scatter: i32, planes: i32, xPlanes: i32, h: i32, w: i32, kh: i32, kw: i32, strideH: i32, strideW: i32,
  padTop: i32, padLeft: i32, dilationH: i32, dilationW: i32, oh: i32, ow: i32, x: usize, from: usize, to: usize,
): void {
  const plane = <usize>h * <usize>w * sizeof<T>(), pooled = <usize>oh * <usize>ow * sizeof<T>();
  const stepFrom = <usize>xPlanes * (scatter ? pooled : plane), stepTo = <usize>xPlanes * (scatter ? plane : pooled);
  if (scatter) memory.fill(to, 0, <usize>planes * plane);
  for (let p = 0; p < xPlanes; p++) {
    const repeats = (planes - p + xPlanes - 1) / xPlanes;
    let window: usize = 0;
    for (let oy = 0; oy < oh; oy++) {
      const top = oy * strideH - padTop;
      const ky0 = firstInside(top, dilationH, kh), rows = endInside(top, dilationH, kh, h) - ky0;
      for (let ox = 0; ox < ow; ox++) {
        const left = ox * strideW - padLeft;
        const kx0 = firstInside(left, dilationW, kw), columns = endInside(left, dilationW, kw, w) - kx0;
        const first = (top + ky0 * dilationH) * w + left + kx0 * dilationW;
        const at = argmax<T>(x, first, rows, columns, dilationH * w, dilationW);
        // One argmax serves every plane that shares this plane of x.
        let source = from + (scatter ? window : <usize>at * sizeof<T>());
        let target = to + (scatter ? <usize>at * sizeof<T>() : window);
        for (let r = 0; r < repeats; r++) {
          if (!scatter) store<T>(target, at < 0 ? <T>0 : load<T>(source));
          else if (at >= 0) store<T>(target, load<T>(target) + load<T>(source));
          source += stepFrom;
          target += stepTo;
        }
        window += sizeof<T>();
      }
    }
    x += plane;
    from += scatter ? pooled : plane;
    to += scatter ? plane : pooled;
  }
}

// @ts-ignore: decorator
@inline
function averagePool<T>(
  transpose: i32, planes: i32, h: i32, w: i32, kh: i32, kw: i32, strideH: i32, strideW: i32,
  padTop: i32, padLeft: i32, oh: i32, ow: i32, countIncludePad: i32, from: usize, to: usize,
): void {
  const planeBytes = <usize>h * <usize>w * sizeof<T>();
  const rowBytes = <usize>w * sizeof<T>();
  if (transpose) memory.fill(to, 0, <usize>planes * planeBytes);
  for (let p = 0; p < planes; p++) {
    for (let oy = 0; oy < oh; oy++) {
      const top = max(oy * strideH - padTop, 0), bottom = min(oy * strideH - padTop + kh, h);
      for (let ox = 0; ox < ow; ox++) {
        const left = max(ox * strideW - padLeft, 0), right = min(ox * strideW - padLeft + kw, w);
        const inside = max(bottom - top, 0) * max(right - left, 0);
        const count = <T>(countIncludePad ? kh * kw : inside);
        const image = transpose ? to : from;
        const share: T = transpose && inside > 0 ? load<T>(from) / count : <T>0;
        let sum: T = <T>0;
        for (let y = top; y < bottom; y++) {
          for (let column = left; column < right; column++) {
            const at = image + <usize>y * rowBytes + <usize>column * sizeof<T>();
            if (transpose) store<T>(at, load<T>(at) + share);
            else sum += load<T>(at);
          }
        }
        if (transpose) {
          from += sizeof<T>();
        } else {
          store<T>(to, inside > 0 ? sum / count : <T>0);
          to += sizeof<T>();
        }
      }
    }
    if (transpose) to += planeBytes;
    else from += planeBytes;
  }
}

export function maxPoolSelectF64(
  planes: i32, xPlanes: i32, h: i32, w: i32, kh: i32, kw: i32, strideH: i32, strideW: i32,
  padTop: i32, padLeft: i32, dilationH: i32, dilationW: i32, oh: i32, ow: i32, xPtr: usize, tPtr: usize, outPtr: usize,
): void {
  maxPool<f64>(0, planes, xPlanes, h, w, kh, kw, strideH, strideW, padTop, padLeft, dilationH, dilationW, oh, ow, xPtr, tPtr, outPtr);
}

export function maxPoolSelectF32(
  planes: i32, xPlanes: i32, h: i32, w: i32, kh: i32, kw: i32, strideH: i32, strideW: i32,
  padTop: i32, padLeft: i32, dilationH: i32, dilationW: i32, oh: i32, ow: i32, xPtr: usize, tPtr: usize, outPtr: usize,
): void {
  maxPool<f32>(0, planes, xPlanes, h, w, kh, kw, strideH, strideW, padTop, padLeft, dilationH, dilationW, oh, ow, xPtr, tPtr, outPtr);
}

export function maxPoolScatterF64(
  planes: i32, xPlanes: i32, h: i32, w: i32, kh: i32, kw: i32, strideH: i32, strideW: i32,
  padTop: i32, padLeft: i32, dilationH: i32, dilationW: i32, oh: i32, ow: i32, xPtr: usize, dPtr: usize, outPtr: usize,
): void {
  maxPool<f64>(1, planes, xPlanes, h, w, kh, kw, strideH, strideW, padTop, padLeft, dilationH, dilationW, oh, ow, xPtr, dPtr, outPtr);
}

export function maxPoolScatterF32(
  planes: i32, xPlanes: i32, h: i32, w: i32, kh: i32, kw: i32, strideH: i32, strideW: i32,
  padTop: i32, padLeft: i32, dilationH: i32, dilationW: i32, oh: i32, ow: i32, xPtr: usize, dPtr: usize, outPtr: usize,
): void {
  maxPool<f32>(1, planes, xPlanes, h, w, kh, kw, strideH, strideW, padTop, padLeft, dilationH, dilationW, oh, ow, xPtr, dPtr, outPtr);
}

export function avgPoolF64(
  planes: i32, h: i32, w: i32, kh: i32, kw: i32, strideH: i32, strideW: i32,
  padTop: i32, padLeft: i32, oh: i32, ow: i32, countIncludePad: i32, xPtr: usize, outPtr: usize,
): void {
  averagePool<f64>(0, planes, h, w, kh, kw, strideH, strideW, padTop, padLeft, oh, ow, countIncludePad, xPtr, outPtr);
}

export function avgPoolF32(
  planes: i32, h: i32, w: i32, kh: i32, kw: i32, strideH: i32, strideW: i32,
  padTop: i32, padLeft: i32, oh: i32, ow: i32, countIncludePad: i32, xPtr: usize, outPtr: usize,
): void {
  averagePool<f32>(0, planes, h, w, kh, kw, strideH, strideW, padTop, padLeft, oh, ow, countIncludePad, xPtr, outPtr);
}

export function avgPoolTransposeF64(
  planes: i32, h: i32, w: i32, kh: i32, kw: i32, strideH: i32, strideW: i32,
  padTop: i32, padLeft: i32, oh: i32, ow: i32, countIncludePad: i32, dPtr: usize, outPtr: usize,
): void {
  averagePool<f64>(1, planes, h, w, kh, kw, strideH, strideW, padTop, padLeft, oh, ow, countIncludePad, dPtr, outPtr);
}

export function avgPoolTransposeF32(
  planes: i32, h: i32, w: i32, kh: i32, kw: i32, strideH: i32, strideW: i32,
  padTop: i32, padLeft: i32, oh: i32, ow: i32, countIncludePad: i32, dPtr: usize, outPtr: usize,
): void {
  averagePool<f32>(1, planes, h, w, kh, kw, strideH, strideW, padTop, padLeft, oh, ow, countIncludePad, dPtr, outPtr);
}
