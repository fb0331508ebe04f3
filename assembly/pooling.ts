/**
 * @file Pooling over planes [h, w] → [oh, ow] and the transposes; max pooling as a selection by the argmax of x.
 *
 * Max: padding counts as −∞, so only positions inside the image compete; the first maximum in row-major order wins; a
 * window without a position inside the image selects nothing (+0). NaN never wins over an earlier value, as PyTorch's
 * does; inputs are checked for NaN before they come here. Mean: the sum runs in row-major order in T, then one division.
 */

/** Index of the maximum of x over one window, or −1. */
// @ts-ignore: decorator
@inline
function argmax<T>(
  x: usize, h: i32, w: i32, top: i32, left: i32, kh: i32, kw: i32, dilationH: i32, dilationW: i32,
): i32 {
  let best: T = <T>0;
  let at = -1;
  for (let ky = 0; ky < kh; ky++) {
    const y = top + ky * dilationH;
    if (y < 0 || y >= h) continue;
    for (let kx = 0; kx < kw; kx++) {
      const column = left + kx * dilationW;
      if (column < 0 || column >= w) continue;
      const value = load<T>(x + <usize>(y * w + column) * sizeof<T>());
      if (at < 0 || value > best) {
        best = value;
        at = y * w + column;
      }
    }
  }
  return at;
}

// @ts-ignore: decorator
@inline
function maxPool<T>(
  scatter: i32, planes: i32, xPlanes: i32, h: i32, w: i32, kh: i32, kw: i32, strideH: i32, strideW: i32,
  padTop: i32, padLeft: i32, dilationH: i32, dilationW: i32, oh: i32, ow: i32, x: usize, from: usize, to: usize,
): void {
  const planeBytes = <usize>h * <usize>w * sizeof<T>();
  if (scatter) memory.fill(to, 0, <usize>planes * planeBytes);
  let xPlane = 0;
  for (let p = 0; p < planes; p++) {
    const base = x + <usize>xPlane * planeBytes;
    for (let oy = 0; oy < oh; oy++) {
      for (let ox = 0; ox < ow; ox++) {
        const at = argmax<T>(base, h, w, oy * strideH - padTop, ox * strideW - padLeft, kh, kw, dilationH, dilationW);
        if (scatter) {
          if (at >= 0) {
            const target = to + <usize>at * sizeof<T>();
            store<T>(target, load<T>(target) + load<T>(from));
          }
          from += sizeof<T>();
        } else {
          store<T>(to, at < 0 ? <T>0 : load<T>(from + <usize>at * sizeof<T>()));
          to += sizeof<T>();
        }
      }
    }
    if (scatter) to += planeBytes;
    else from += planeBytes;
    if (++xPlane == xPlanes) xPlane = 0;
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
