/**
 * @file Addresses: where the host's arena may begin, extents in whole cache lines, elements of arrays of f64 and i32, short runs.
 */

/** First free address after this module's static data, aligned to 64 bytes. */
export function arenaBase(): usize {
  return padded(__heap_base);
}

/** The next multiple of 64. */
// @ts-ignore: decorator
@inline
export function padded(bytes: usize): usize {
  return (bytes + 63) & ~63;
}

// @ts-ignore: decorator
@inline
export function at(ptr: usize, i: i32): f64 {
  return load<f64>(ptr + (<usize>i << 3));
}

// @ts-ignore: decorator
@inline
export function put(ptr: usize, i: i32, value: f64): void {
  store<f64>(ptr + (<usize>i << 3), value);
}

// @ts-ignore: decorator
@inline
export function index(ptr: usize, i: i32): i32 {
  return load<i32>(ptr + (<usize>i << 2));
}

// @ts-ignore: decorator
@inline
export function putIndex(ptr: usize, i: i32, value: i32): void {
  store<i32>(ptr + (<usize>i << 2), value);
}

/** Copies a short run: no call, no overshoot. */
// @ts-ignore: decorator
@inline
export function copyRun<T>(bytes: usize, from: usize, to: usize): void {
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
