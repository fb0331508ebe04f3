/** @file The part of a sliding window that lies inside the image, along one axis: taps k with 0 ≤ start + k·dilation < extent. */

/** First such k ≥ 0, at most `taps`. */
// @ts-ignore: decorator
@inline
export function firstInside(start: i32, dilation: i32, taps: i32): i32 {
  return start >= 0 ? 0 : min((dilation - 1 - start) / dilation, taps);
}

/** End of such k ≤ taps, at least firstInside. */
// @ts-ignore: decorator
@inline
export function endInside(start: i32, dilation: i32, taps: i32, extent: i32): i32 {
  const end = start >= extent ? 0 : min((extent - start + dilation - 1) / dilation, taps);
  return max(end, firstInside(start, dilation, taps));
}
