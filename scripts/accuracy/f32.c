/* The largest errors of f and f′ in f32 over every bit pattern, against the C library in double precision: see accuracy.mjs.
 *
 * An error is |y − exact| in units in the last place of exact; an infinite y counts as 2^128, NaN where a number belongs as
 * infinitely wrong. Derivatives are judged at finite x where f has a value; where |f′| ≤ 1 also in units of 2^-23, the ulp of 1. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 1 << 16 };

typedef struct { double f, d; } Pair;
typedef struct { double error; float x, y; } Worst;

/* σ(x) and σ(−x). */
static Pair sigmoids(double x) {
  double e = exp(-fabs(x)), large = 1 / (1 + e), small = e * large;
  return x < 0 ? (Pair){ small, large } : (Pair){ large, small };
}
static Pair exp_of(double x) { double e = exp(x); return (Pair){ e, e }; }
static Pair expm1_of(double x) { return (Pair){ expm1(x), exp(x) }; }
static Pair log_of(double x) { return (Pair){ log(x), 1 / x }; }
static Pair sqrt_of(double x) { double r = sqrt(x); return (Pair){ r, 0.5 / r }; }
static Pair sin_of(double x) { Pair p; sincos(x, &p.f, &p.d); return p; }
static Pair cos_of(double x) { Pair p; sincos(x, &p.d, &p.f); p.d = -p.d; return p; }
static Pair tanh_of(double x) { double e = exp(-2 * fabs(x)); return (Pair){ tanh(x), 4 * e / ((1 + e) * (1 + e)) }; }
static Pair sigmoid_of(double x) { Pair s = sigmoids(x); return (Pair){ s.f, s.f * s.d }; }
static Pair erf_of(double x) { return (Pair){ erf(x), M_2_SQRTPI * exp(-x * x) }; }
static Pair elu_of(double x) { return x > 0 ? (Pair){ x, 1 } : expm1_of(x); }
static Pair softplus_of(double x) { double e = exp(-fabs(x)), r = 1 / (1 + e); return (Pair){ (x > 0 ? x : 0) + log1p(e), x < 0 ? e * r : isnan(x) ? x : r }; }
/* f′ = σ·(1 + x·σ(−x)) and Φ + x·φ have a zero; there the terms are long doubles. */
static Pair silu_of(double x) {
  if (x == -INFINITY) return (Pair){ -0.0, 0 };
  Pair s = sigmoids(x);
  if (!(x > -1.5 && x < -1)) return (Pair){ x * s.f, s.f * (1 + x * s.d) };
  long double l = 1 / (1 + expl(-x));
  return (Pair){ x * s.f, l * (1 + x * (1 - l)) };
}
static Pair gelu_of(double x) {
  if (x == -INFINITY) return (Pair){ -0.0, 0 };
  double cumulative = 0.5 * erfc(-x * M_SQRT1_2);
  if (!(x > -1 && x < -0.5)) return (Pair){ x * cumulative, cumulative + x * exp(-0.5 * x * x) / sqrt(2 * M_PI) };
  return (Pair){ x * cumulative, 0.5L * erfcl(-x / sqrtl(2)) + x * expl(-0.5L * x * x) / sqrtl(2 * M_PIl) };
}

#define ROW(name) { #name, name##_of }
static const struct { const char *name; Pair (*of)(double); } FUNCTIONS[] = {
  ROW(exp), ROW(expm1), ROW(log), ROW(sqrt), ROW(sin), ROW(cos), ROW(tanh), ROW(sigmoid), ROW(silu), ROW(erf), ROW(gelu), ROW(elu),
  ROW(softplus),
};

static double ulps(float y, double exact) {
  if (isnan(exact) || isnan(y)) return isnan(exact) && isnan(y) ? 0 : INFINITY;
  const double top = 0x1p128;
  double bound = exact > top ? top : exact < -top ? -top : exact, computed = y > top ? top : y < -top ? -top : y;
  uint64_t bits;
  memcpy(&bits, &bound, 8);
  int exponent = (int)(bits >> 52 & 0x7ff) - 1023;
  bits = (uint64_t)(1046 - (exponent < -126 ? -126 : exponent > 127 ? 127 : exponent)) << 52;
  double inverse;
  memcpy(&inverse, &bits, 8);
  return fabs(computed - bound) * inverse;
}

static inline void note(Worst *worst, float x, float y, double exact) {
  double error = ulps(y, exact);
  if (error > worst->error) *worst = (Worst){ error, x, y };
}

int main(int count, char **words) {
  static float x[BLOCK], f[BLOCK], d[BLOCK];
  Pair (*of)(double) = NULL;
  for (size_t i = 0; count > 1 && i < sizeof FUNCTIONS / sizeof *FUNCTIONS; i++) {
    if (strcmp(FUNCTIONS[i].name, words[1]) == 0) of = FUNCTIONS[i].of;
  }
  if (of == NULL) return 2;
  fcntl(0, F_SETPIPE_SZ, BLOCK * 12); /* or else every 64 KB wait */
  Worst value = { 0 }, slope = { 0 };
  double beside_one = 0;
  uint64_t inputs = 0;
  for (uint32_t length; fread(&length, 4, 1, stdin) == 1; inputs += length) {
    if (length > BLOCK || fread(x, 4, length, stdin) != length || fread(f, 4, length, stdin) != length || fread(d, 4, length, stdin) != length) return 1;
    for (uint32_t i = 0; i < length; i++) {
      Pair exact = of(x[i]);
      note(&value, x[i], f[i], exact.f);
      if (!isfinite(x[i]) || isnan(exact.f)) continue;
      note(&slope, x[i], d[i], exact.d);
      double error = fabs(d[i] - exact.d) * 0x1p23;
      if (fabs(exact.d) <= 1 && error > beside_one) beside_one = error;
    }
  }
  printf("%-9s f32 %7.4g ulp at %-24.9g derivative %7.4g ulp at %-24.9g (%.9g); up to 1 %.3g ulp of 1; %llu inputs\n", words[1], value.error, value.x,
         slope.error, slope.x, slope.y, beside_one, (unsigned long long)inputs);
  return 0;
}
