/**
 * @file gelu′(x) = Φ(x) + x·φ(x) of a block, to the last place where it vanishes too; Φ and φ of the normal distribution. Of doubles:
 *
 *   |x| < 6     gelu′(−a) = Φ(−a) − a·φ(a) from math/rows.ts; next to its zero a0, (a − a0) times a polynomial of a − a0
 *   a ≥ 0       gelu′(a) = 1 − gelu′(−a)          beyond 6: far.ts
 *
 * Of the rows the module carries gelu′(−c), twice as precise, and φ(c), in those of gelu; the rest is made when first needed: the series about c
 *
 *   φ(c + d) = Σ p_n·d^n              p_(n + 1) = −(c·p_n + p_(n − 1))/(n + 1)
 *   d/da gelu′(−a) = (a² − 2)·φ(a)
 *
 * up to d^LAST, of which Chebyshev's polynomials then take the powers beyond d^DEGREE.
 *
 * Coefficients: scripts/coefficients/coefficients.py derivatives.
 */

import { ROWS as PHI } from "./math/gelu";
import { PART, SPACE, STRIDE } from "./math/passes";
import { Power, powerConstant } from "./math/power";
import { DEGREE, ROW, ROWS, rowRest, rowValue, rowsOfBlock } from "./math/rows";
import { cubicFrom, step } from "./math/table";
import { Exponent, powersOfSingles } from "./powers-of-singles";
import { mirrored, orNearZero } from "./silu-derivative";

/** gelu′(−k/8), high and low. */
const VALUES = memory.data<f64>([
  0.5, 0.0, 0.4007820643017934, 4.553649124439119e-18, 0.30462664511636395, 2.6237692574149207e-17,
  0.21438457312611287, -1.1926223897340549e-18, 0.13250487534383715, 1.0083080204115191e-17, 0.06088492370471613, 2.846030702774449e-18,
  0.0007742782607648957, -3.9810548520952116e-20, -0.04726117072871494, 5.421010862427522e-20, -0.0833154705876863, 6.613633252161577e-18,
  -0.10806670936085304, -2.3310346708438345e-18, -0.12266158306942213, 1.8431436932253575e-18, -0.12857614265381742, -4.87890977618477e-18,
  -0.12746919222997952, -8.782037597132586e-18, -0.12104340629698118, 2.2768245622195593e-18, -0.11092615108257806, -3.74049749507499e-18,
  -0.09857790540978593, 9.75781955236954e-19, -0.0852318010781969, 6.5052130349130266e-18, -0.07186378722127072, -2.656295322589486e-18,
  -0.05918974397520698, -1.6263032587282567e-18, -0.04768378937530692, 1.463672932855431e-18, -0.03761108590814521, -9.486769009248164e-19,
  -0.02906852832866995, -1.3010426069826053e-18, -0.022027533644320838, -1.7618285302889447e-19, -0.016374458403384223, 1.0299920638612292e-18,
  -0.011945647204183927, -8.131516293641283e-20, -0.00855553106088768, -5.285485590866834e-19, -0.006017381143833479, 3.1848438816761693e-19,
  -0.004157197743754957, 2.405573570202213e-19, -0.002821760353624635, 3.3881317890172014e-21, -0.0018821172922103618, 9.910285482875314e-20,
  -0.0012338165236771164, 7.453889935837843e-20, -0.0007950477465867755, -4.912791094074942e-20, -0.0005036496612264215, 6.3527471044072525e-21,
  -0.0003136926124456238, -1.6305384234645282e-20, -0.0001921156795251866, 1.0058516248644817e-20, -0.00011570227584148449, -5.399835038746165e-21,
  -6.852916185634458e-05, 3.494010907423989e-21, -3.9920301981305885e-05, -1.9058241313221758e-21, -2.2873076378245413e-05, 4.1028158382630173e-22,
  -1.2891177887481196e-05, -5.823351512373315e-22, -7.146946001792295e-06, 1.1580528575742387e-22, -3.897883843917905e-06, 6.617444900424222e-24,
  -2.091397663865862e-06, 1.6378176128549948e-22, -1.1039793307805355e-06, -3.474158572722716e-23, -5.733472398739924e-07, -3.7223127564886245e-23,
  -2.9296893785995387e-07, 7.651420666115506e-24, -1.4729431175140635e-07, -8.271806125530277e-25, -7.286574220333574e-08, -5.169878828456423e-25,
  -3.5468709453902015e-08, 3.360421238496675e-25,
]);
/** What the passes of singles know: |x| below it. */
export const GELU_DERIVATIVE_LIMIT: f64 = 37.5;

/** One memory per instance. */
const TABLE = memory.data(ROWS * <i32>ROW, 16);
const LAST: i32 = 15;

/** gelu′(−a) near its zero, as nearZero takes it. */
const ZERO = memory.data<f64>([
  0.7517915246935645, -1.4956759177009883e-17, -0.43149399012327194, -2.190774979070879e-09,
  0.388284982990552, 0.018199676398682745, -0.11400823329721654, 0.014771522132960955, 0.01942167983404828, -0.004539221366619634,
  -0.0022395366850343416, 0.000743513357332439, 0.0001861344965044367,
]);
/** Where: |a − a0| below it. */
const NEAR: f64 = 0.078125;
/** Of f32's formula. */
const Q = memory.data<f64>([
  -0.47829767784097493, 0.11997542850276822, -0.0535961025595103, 0.014074732108392829, -0.00020417471051886824, -0.0010946787069684464,
  9.463495641678805e-05, 0.00012889242788971877, -6.22375828349556e-06, -1.8299795987167003e-05, -6.093711497256298e-07, 1.7674958044028436e-06,
]);

/** |x| < GELU_LIMIT */
export function geluDerivativeOfBlock(x: usize, end: usize, out: usize): void {
  rowsOfBlock(rowsTable(), x, end);
  const one = f64x2.splat(1.0);
  const zero = v128.load64_splat(ZERO);
  const near = f64x2.splat(NEAR);
  for (let at = SPACE; x < end; x += 16, out += 16, at += STRIDE) {
    const value = v128.load(x);
    const sum = f64x2.add(rowValue(at), rowRest(at));
    v128.store(out, mirrored(orNearZero(sum, f64x2.abs(value), ZERO, zero, near, x, at), value, one));
  }
}

/** |x| < GELU_DERIVATIVE_LIMIT, x and results f32: gelu′(−a) = e^(−a²/2)·(a − a0)·Q(t), t = 2a/(a + 3) − 1. */
export function geluDerivativeOfSingles(x: usize, end: usize, out: usize): bool {
  if (!powersOfSingles(Exponent.MinusHalfSquare, GELU_DERIVATIVE_LIMIT, x, end, SPACE)) return false;
  const stop = SPACE + (end - x);
  const one = powerConstant(Power.One);
  const two = powerConstant(Power.Two);
  const k = f64x2.splat(3.0);
  const toX = x - SPACE;
  for (let at = SPACE; at < stop; at += 16) {
    const a = f64x2.abs(v128.load(at + toX));
    v128.store(at, f64x2.sub(f64x2.div(f64x2.mul(two, a), f64x2.add(a, k)), one), PART);
  }
  const zero = v128.load64_splat(ZERO);
  const toOut = out - SPACE;
  for (let at = SPACE; at < stop; at += 16) {
    const value = v128.load(at + toX);
    const t = v128.load(at, PART);
    const t2 = f64x2.mul(t, t);
    const t4 = f64x2.mul(t2, t2);
    const sum = step<f64>(step<f64>(cubic(8, t, t2), t4, cubic(4, t, t2)), t4, cubic(0, t, t2));
    const product = f64x2.mul(f64x2.mul(v128.load(at), f64x2.sub(f64x2.abs(value), zero)), sum);
    v128.store(at + toOut, mirrored(product, value, one));
  }
  return true;
}

// @ts-ignore: decorator
@inline
function cubic(index: i32, t: v128, t2: v128): v128 {
  return cubicFrom<f64>(Q, Q, index, t, t2);
}

function rowsTable(): usize {
  if (load<f64>(TABLE, ROW - 8) == 0.0) for (let k = 0; k < ROWS; k++) makeRow(k);
  return TABLE;
}

/** low, c1 … c11, c0. */
function makeRow(k: i32): void {
  const c = <f64>k / 8.0, at = <usize>k * ROW;
  let p = -load<f64>(PHI + at, 8), before = 0.0, earlier = 0.0;
  for (let n = 1; n <= LAST; n++) {
    store<f64>(SPACE + (<usize>n << 3), ((c * c - 2.0) * p + 2.0 * c * before + earlier) / <f64>n);
    const next = -(c * p + before) / <f64>n;
    earlier = before, before = p, p = next;
  }
  store<f64>(SPACE, load<f64>(VALUES + (<usize>k << 4), 8));
  // d^n less the n-th polynomial, over 2^(n − 1), for |d| ≤ 1/16
  for (let n = LAST; n > DEGREE; n--) {
    let part = load<f64>(SPACE + (<usize>n << 3));
    for (let m = 1; 2 * m <= n; m++) {
      part *= <f64>((n - 2 * m + 2) * (n - 2 * m + 1)) / <f64>(-1024 * m * (n - m));
      const to = SPACE + (<usize>(n - 2 * m) << 3);
      store<f64>(to, load<f64>(to) - part);
    }
  }
  memory.copy(TABLE + at, SPACE, (DEGREE + 1) << 3);
  store<f64>(TABLE + at, load<f64>(VALUES + (<usize>k << 4)), ROW - 8);
}
