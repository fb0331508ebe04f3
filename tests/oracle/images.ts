/** @file Convolution patches and pooling, written from their definitions, one element at a time. */

/** One sliding-window geometry over planes [h, w] → [oh, ow]. */
export interface Windows {
  readonly h: number;
  readonly w: number;
  readonly kh: number;
  readonly kw: number;
  readonly strideH: number;
  readonly strideW: number;
  readonly padTop: number;
  readonly padLeft: number;
  readonly dilationH: number;
  readonly dilationW: number;
  readonly oh: number;
  readonly ow: number;
}

/** Output extent of a sliding window, at least 1. */
export function outputExtent(extent: number, kernel: number, stride: number, before: number, after: number, dilation: number): number {
  return Math.max(1, Math.floor((extent + before + after - dilation * (kernel - 1) - 1) / stride) + 1);
}

/** Offsets in a plane that window (oy, ox) covers, in row-major order; −1 outside the image. */
export function windowOffsets(g: Windows, oy: number, ox: number): number[] {
  const offsets: number[] = [];
  for (let ky = 0; ky < g.kh; ky++) {
    for (let kx = 0; kx < g.kw; kx++) {
      const y = oy * g.strideH - g.padTop + ky * g.dilationH,
        x = ox * g.strideW - g.padLeft + kx * g.dilationW;
      offsets.push(y >= 0 && y < g.h && x >= 0 && x < g.w ? y * g.w + x : -1);
    }
  }
  return offsets;
}

/** For each entry of im2col's output, the offset in x [n, c, h, w] that it reads, or −1. */
export function patchSources(g: Windows, n: number, c: number, c0: number, c1: number): number[] {
  const sources: number[] = [];
  for (let image = 0; image < n; image++) {
    for (let oy = 0; oy < g.oh; oy++) {
      for (let ox = 0; ox < g.ow; ox++) {
        for (let channel = c0; channel < c1; channel++) {
          for (const at of windowOffsets(g, oy, ox)) sources.push(at < 0 ? -1 : (image * c + channel) * g.h * g.w + at);
        }
      }
    }
  }
  return sources;
}

/** Offset of the maximum of a window, the first one in row-major order; −1 when the window is outside the image. */
export function argmaxOffset(plane: ArrayLike<number>, offsets: readonly number[]): number {
  const inside = offsets.filter((at) => at >= 0);
  const maximum = Math.max(...inside.map((at) => plane[at]));
  return inside.find((at) => plane[at] === maximum) ?? -1;
}
