/** @file The scalar loops that people write: Math.* over a typed array. */

const double = new Float64Array(1);
const words = new Int32Array(double.buffer);
const withoutLowWord = (x) => {
  double[0] = x;
  words[0] = 0;
  return double[0];
};
/** erf to double precision, as libraries for JavaScript have it: FreeBSD's s_erf.c (Sun Microsystems, 1993), < 1 ulp. */
function erf(x) {
  const a = Math.abs(x);
  if (a < 0.84375) {
    if (a < 3.7e-9) return x + 0.1283791670955126 * x;
    const z = x * x;
    const r = 0.12837916709551256 + z * (-0.3250421072470015 + z * (-0.02848174957559851 + z * (-0.005770270296489442 + z * -2.3763016656650163e-5)));
    const s =
      1 +
      z * (0.39791722395915535 + z * (0.0650222499887673 + z * (0.005081306281875766 + z * (0.00013249473800432164 + z * -3.960228278775368e-6))));
    return x + x * (r / s);
  }
  if (a < 1.25) {
    const s = a - 1;
    const P =
      -0.0023621185607526594 +
      s *
        (0.41485611868374833 +
          s *
            (-0.3722078760357013 + s * (0.31834661990116175 + s * (-0.11089469428239668 + s * (0.035478304325618236 + s * -0.002166375594868791)))));
    const Q =
      1 +
      s *
        (0.10642088040084423 +
          s * (0.540397917702171 + s * (0.07182865441419627 + s * (0.12617121980876164 + s * (0.01363708391202905 + s * 0.011984499846799107)))));
    return x >= 0 ? 0.8450629115104675 + P / Q : -0.8450629115104675 - P / Q;
  }
  if (a >= 6) return x >= 0 ? 1 : -1;
  const s = 1 / (a * a);
  let R, S;
  if (a < 2.857142857) {
    R =
      -0.009864944034847148 +
      s *
        (-0.6938585727071818 +
          s *
            (-10.558626225323291 +
              s * (-62.375332450326006 + s * (-162.39666946257347 + s * (-184.60509290671104 + s * (-81.2874355063066 + s * -9.814329344169145))))));
    S =
      1 +
      s *
        (19.651271667439257 +
          s *
            (137.65775414351904 +
              s *
                (434.56587747522923 +
                  s *
                    (645.3872717332679 + s * (429.00814002756783 + s * (108.63500554177944 + s * (6.570249770319282 + s * -0.0604244152148581)))))));
  } else {
    R =
      -0.0098649429247001 +
      s *
        (-0.799283237680523 +
          s * (-17.757954917754752 + s * (-160.63638485582192 + s * (-637.5664433683896 + s * (-1025.0951316110772 + s * -483.5191916086514)))));
    S =
      1 +
      s *
        (30.33806074348246 +
          s *
            (325.7925129965739 +
              s * (1536.729586084437 + s * (3199.8582195085955 + s * (2553.0504064331644 + s * (474.52854120695537 + s * -22.44095244658582))))));
  }
  const z = withoutLowWord(a);
  const r = Math.exp(-z * z - 0.5625) * Math.exp((z - a) * (z + a) + R / S);
  return x >= 0 ? 1 - r / a : r / a - 1;
}

export const LOOPS = {
  exp: (x, y) => {
    for (let i = 0; i < x.length; i++) y[i] = Math.exp(x[i]);
  },
  expm1: (x, y) => {
    for (let i = 0; i < x.length; i++) y[i] = Math.expm1(x[i]);
  },
  sin: (x, y) => {
    for (let i = 0; i < x.length; i++) y[i] = Math.sin(x[i]);
  },
  cos: (x, y) => {
    for (let i = 0; i < x.length; i++) y[i] = Math.cos(x[i]);
  },
  silu: (x, y) => {
    for (let i = 0; i < x.length; i++) y[i] = x[i] / (1 + Math.exp(-x[i]));
  },
  log: (x, y) => {
    for (let i = 0; i < x.length; i++) y[i] = Math.log(x[i]);
  },
  tanh: (x, y) => {
    for (let i = 0; i < x.length; i++) y[i] = Math.tanh(x[i]);
  },
  sigmoid: (x, y) => {
    for (let i = 0; i < x.length; i++) y[i] = 1 / (1 + Math.exp(-x[i]));
  },
  erf: (x, y) => {
    for (let i = 0; i < x.length; i++) y[i] = erf(x[i]);
  },
  gelu: (x, y) => {
    for (let i = 0; i < x.length; i++) y[i] = 0.5 * x[i] * (1 + erf(x[i] * Math.SQRT1_2));
  },
  erfDerivative: (x, y) => {
    const slope = 2 / Math.sqrt(Math.PI);
    for (let i = 0; i < x.length; i++) y[i] = slope * Math.exp(-x[i] * x[i]);
  },
  sechSquared: (x, y) => {
    for (let i = 0; i < x.length; i++) {
      const t = Math.tanh(x[i]);
      y[i] = 1 - t * t;
    }
  },
  sigmoidDerivative: (x, y) => {
    for (let i = 0; i < x.length; i++) {
      const s = 1 / (1 + Math.exp(-x[i]));
      y[i] = s * (1 - s);
    }
  },
  siluDerivative: (x, y) => {
    for (let i = 0; i < x.length; i++) {
      const s = 1 / (1 + Math.exp(-x[i]));
      y[i] = s * (1 + x[i] * (1 - s));
    }
  },
  geluDerivative: (x, y) => {
    const density = 1 / Math.sqrt(2 * Math.PI);
    for (let i = 0; i < x.length; i++) y[i] = 0.5 * (1 + erf(x[i] * Math.SQRT1_2)) + density * x[i] * Math.exp(-0.5 * x[i] * x[i]);
  },
};
