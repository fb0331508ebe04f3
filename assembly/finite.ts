/** @file Whether every element is finite: x − x is +0 for finite x, NaN for infinities and NaN. */

// @ts-ignore: decorator
@inline
function allFinite<T>(n: i32, x: usize): i32 {
  let seen0 = v128.splat<i32>(0), seen1 = seen0, seen2 = seen0, seen3 = seen0;
  const end = x + <usize>n * sizeof<T>();
  for (const turns = end - (<usize>n * sizeof<T>()) % 64; x < turns; x += 64) {
    const x0 = v128.load(x), x1 = v128.load(x, 16), x2 = v128.load(x, 32), x3 = v128.load(x, 48);
    seen0 = v128.or(seen0, v128.sub<T>(x0, x0));
    seen1 = v128.or(seen1, v128.sub<T>(x1, x1));
    seen2 = v128.or(seen2, v128.sub<T>(x2, x2));
    seen3 = v128.or(seen3, v128.sub<T>(x3, x3));
  }
  let finite = !v128.any_true(v128.or(v128.or(seen0, seen1), v128.or(seen2, seen3)));
  for (; x < end; x += sizeof<T>()) if (load<T>(x) - load<T>(x) != <T>0) finite = false;
  return finite ? 1 : 0;
}

export function allFiniteF64(n: i32, xPtr: usize): i32 {
  return allFinite<f64>(n, xPtr);
}

export function allFiniteF32(n: i32, xPtr: usize): i32 {
  return allFinite<f32>(n, xPtr);
}
