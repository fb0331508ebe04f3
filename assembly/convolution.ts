/**
 * @file Patches of images for convolution as GEMM, and their transpose.
 *
 *   im2col   out [n, oh·ow, (c1 − c0)·kh·kw] ← x [n, c, h, w]; +0 outside the image
 *   col2im   x += patches; x is not cleared
 *
 * One patch is a row of out: for each channel and kernel row, a run of kw positions of one image row.
 * col2im adds in the order n, oy, ox, channel, ky, kx (output position outer): each x element sums its patches in that order.
 */

// @ts-ignore: decorator
@inline
function visitPatches<T>(
  scatter: i32, n: i32, c: i32, h: i32, w: i32, c0: i32, c1: i32, kh: i32, kw: i32, strideH: i32, strideW: i32,
  padTop: i32, padLeft: i32, dilationH: i32, dilationW: i32, oh: i32, ow: i32, x: usize, patches: usize,
): void {
  const plane = <usize>h * <usize>w * sizeof<T>();
  for (let image = 0; image < n; image++) {
    const base = x + (<usize>image * <usize>c + <usize>c0) * plane;
    for (let oy = 0; oy < oh; oy++) {
      for (let ox = 0; ox < ow; ox++) {
        const left = ox * strideW - padLeft;
        for (let channel = c0; channel < c1; channel++) {
          const channelBase = base + <usize>(channel - c0) * plane;
          for (let ky = 0; ky < kh; ky++) {
            const y = oy * strideH - padTop + ky * dilationH;
            const rowInside = y >= 0 && y < h;
            for (let kx = 0; kx < kw; kx++) {
              const column = left + kx * dilationW;
              const inside = rowInside && column >= 0 && column < w;
              const at = channelBase + (<usize>y * <usize>w + <usize>column) * sizeof<T>();
              if (scatter) {
                if (inside) store<T>(at, load<T>(at) + load<T>(patches));
              } else {
                store<T>(patches, inside ? load<T>(at) : <T>0);
              }
              patches += sizeof<T>();
            }
          }
        }
      }
    }
  }
}

export function im2colF64(
  n: i32, c: i32, h: i32, w: i32, c0: i32, c1: i32, kh: i32, kw: i32, strideH: i32, strideW: i32,
  padTop: i32, padLeft: i32, dilationH: i32, dilationW: i32, oh: i32, ow: i32, xPtr: usize, outPtr: usize,
): void {
  visitPatches<f64>(0, n, c, h, w, c0, c1, kh, kw, strideH, strideW, padTop, padLeft, dilationH, dilationW, oh, ow, xPtr, outPtr);
}

export function im2colF32(
  n: i32, c: i32, h: i32, w: i32, c0: i32, c1: i32, kh: i32, kw: i32, strideH: i32, strideW: i32,
  padTop: i32, padLeft: i32, dilationH: i32, dilationW: i32, oh: i32, ow: i32, xPtr: usize, outPtr: usize,
): void {
  visitPatches<f32>(0, n, c, h, w, c0, c1, kh, kw, strideH, strideW, padTop, padLeft, dilationH, dilationW, oh, ow, xPtr, outPtr);
}

export function col2imF64(
  n: i32, c: i32, h: i32, w: i32, c0: i32, c1: i32, kh: i32, kw: i32, strideH: i32, strideW: i32,
  padTop: i32, padLeft: i32, dilationH: i32, dilationW: i32, oh: i32, ow: i32, patchesPtr: usize, xPtr: usize,
): void {
  visitPatches<f64>(1, n, c, h, w, c0, c1, kh, kw, strideH, strideW, padTop, padLeft, dilationH, dilationW, oh, ow, xPtr, patchesPtr);
}

export function col2imF32(
  n: i32, c: i32, h: i32, w: i32, c0: i32, c1: i32, kh: i32, kw: i32, strideH: i32, strideW: i32,
  padTop: i32, padLeft: i32, dilationH: i32, dilationW: i32, oh: i32, ow: i32, patchesPtr: usize, xPtr: usize,
): void {
  visitPatches<f32>(1, n, c, h, w, c0, c1, kh, kw, strideH, strideW, padTop, padLeft, dilationH, dilationW, oh, ow, xPtr, patchesPtr);
}
