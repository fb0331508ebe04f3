// The roof: how many multiplications and additions per second 128-bit WebAssembly SIMD does when nothing else is asked
// of it. Two shapes, since engines and cores differ in what limits them; the faster one counts.
//
//   chains     s_i ← s_i·x + y     12 independent chains, all in registers: bound by the latency of mul then add; a branch that is
//                                  never taken makes V8 ≤ 12 schedule four products, then four sums (assembly/gemm-microkernel.ts):
//                                  without it the loop runs on Zen at one of two speeds, 47 or 58 GFLOP/s, by chance
//   products   s_i ← s_i + x·b_i   12 sums of products with operands from memory, as in a matrix product
//
// Per step 12 multiplications and 12 additions of a vector. `p` addresses 32 vectors.

// @ts-ignore: decorator
@inline
function chains<T>(steps: i32, p: usize): void {
  const x = v128.load(p), y = v128.load(p, 16);
  let s0 = v128.load(p, 32), s1 = v128.load(p, 48), s2 = v128.load(p, 64), s3 = v128.load(p, 80);
  let s4 = v128.load(p, 96), s5 = v128.load(p, 112), s6 = v128.load(p, 128), s7 = v128.load(p, 144);
  let s8 = v128.load(p, 160), s9 = v128.load(p, 176), s10 = v128.load(p, 192), s11 = v128.load(p, 208);
  while (steps > 0) {
    s0 = v128.add<T>(v128.mul<T>(s0, x), y);
    s1 = v128.add<T>(v128.mul<T>(s1, x), y);
    s2 = v128.add<T>(v128.mul<T>(s2, x), y);
    s3 = v128.add<T>(v128.mul<T>(s3, x), y);
    s4 = v128.add<T>(v128.mul<T>(s4, x), y);
    s5 = v128.add<T>(v128.mul<T>(s5, x), y);
    s6 = v128.add<T>(v128.mul<T>(s6, x), y);
    s7 = v128.add<T>(v128.mul<T>(s7, x), y);
    s8 = v128.add<T>(v128.mul<T>(s8, x), y);
    s9 = v128.add<T>(v128.mul<T>(s9, x), y);
    s10 = v128.add<T>(v128.mul<T>(s10, x), y);
    s11 = v128.add<T>(v128.mul<T>(s11, x), y);
    if (p == 0) {
      v128.store(p, x);
      s0 = s1 = s2 = s3 = v128.or(v128.or(s0, s1), v128.or(s2, s3));
      s4 = s5 = s6 = s7 = v128.or(v128.or(s4, s5), v128.or(s6, s7));
      s8 = s9 = s10 = s11 = v128.or(v128.or(s8, s9), v128.or(s10, s11));
    }
    steps--;
  }
  v128.store(p, v128.add<T>(v128.add<T>(v128.add<T>(s0, s1), v128.add<T>(s2, s3)), v128.add<T>(s4, s5)), 416);
  v128.store(p, v128.add<T>(v128.add<T>(v128.add<T>(s6, s7), v128.add<T>(s8, s9)), v128.add<T>(s10, s11)), 432);
}

// @ts-ignore: decorator
@inline
function products<T>(steps: i32, p: usize): void {
  const x = v128.load(p);
  let s0 = v128.load(p, 32), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0, s8 = s0, s9 = s0, s10 = s0, s11 = s0;
  while (steps > 0) {
    s0 = v128.add<T>(s0, v128.mul<T>(x, v128.load(p, 224)));
    s1 = v128.add<T>(s1, v128.mul<T>(x, v128.load(p, 240)));
    s2 = v128.add<T>(s2, v128.mul<T>(x, v128.load(p, 256)));
    s3 = v128.add<T>(s3, v128.mul<T>(x, v128.load(p, 272)));
    s4 = v128.add<T>(s4, v128.mul<T>(x, v128.load(p, 288)));
    s5 = v128.add<T>(s5, v128.mul<T>(x, v128.load(p, 304)));
    s6 = v128.add<T>(s6, v128.mul<T>(x, v128.load(p, 320)));
    s7 = v128.add<T>(s7, v128.mul<T>(x, v128.load(p, 336)));
    s8 = v128.add<T>(s8, v128.mul<T>(x, v128.load(p, 352)));
    s9 = v128.add<T>(s9, v128.mul<T>(x, v128.load(p, 368)));
    s10 = v128.add<T>(s10, v128.mul<T>(x, v128.load(p, 384)));
    s11 = v128.add<T>(s11, v128.mul<T>(x, v128.load(p, 400)));
    steps--;
  }
  v128.store(p, v128.add<T>(v128.add<T>(v128.add<T>(s0, s1), v128.add<T>(s2, s3)), v128.add<T>(s4, s5)), 416);
  v128.store(p, v128.add<T>(v128.add<T>(v128.add<T>(s6, s7), v128.add<T>(s8, s9)), v128.add<T>(s10, s11)), 432);
}

export function chainsF32(steps: i32, p: usize): void { chains<f32>(steps, p); }
export function chainsF64(steps: i32, p: usize): void { chains<f64>(steps, p); }
export function productsF32(steps: i32, p: usize): void { products<f32>(steps, p); }
export function productsF64(steps: i32, p: usize): void { products<f64>(steps, p); }
