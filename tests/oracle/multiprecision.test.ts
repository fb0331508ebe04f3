import { describe, expect, test } from 'vitest';
import {
  cos,
  erf,
  erfDerivative,
  exactly,
  exp,
  expm1,
  gaussian,
  gelu,
  geluDerivative,
  log,
  type Real,
  sechSquared,
  sigmoid,
  sigmoidDerivative,
  silu,
  siluDerivative,
  sin,
  softplus,
  tanh,
  ulpError,
} from './multiprecision.ts';

// biome-ignore format: a list
const FUNCTIONS = {
  exp, expm1, log, sin, cos, tanh, sigmoid, silu, softplus, erf, gelu, gaussian, sechSquared, sigmoidDerivative, siluDerivative, erfDerivative, geluDerivative,
};

/** First 40 significant digits as an integer, and the power of ten. */
function digits({ n, p }: Real): string {
  const size = n < 0n ? -n : n;
  for (let tens = -120; ; tens++) {
    const scaled = tens <= 0 ? (size * 10n ** BigInt(-tens)) >> BigInt(p) : (size >> BigInt(p)) / 10n ** BigInt(tens);
    const text = scaled.toString();
    if (text.length <= 40) return `${n < 0n ? '-' : ''}${text}e${tens}`;
  }
}

describe('multiprecision', () => {
  // 40 digits, truncated; computed with mpmath 1.2.1 at 60 digits, derivatives at 120.
  test.each<[keyof typeof FUNCTIONS, number, string]>([
    ['exp', 1, '2718281828459045235360287471352662497757e-39'],
    ['exp', -20.5, '1250152866386742628937553119231222182271e-48'],
    ['expm1', 0.001, '1000500166708341688893262798302888729404e-42'],
    ['expm1', -3, '-9502129316321360570206575843499382233683e-40'],
    ['log', 2, '6931471805599453094172321214581765680755e-40'],
    ['log', 1.0000000000000002, '2220446049250312834328230454615487925982e-55'],
    ['log', 0.1, '-2302585092994045628506840223426538727163e-39'],
    ['sin', 1, '8414709848078965066525023216302989996225e-40'],
    ['cos', 1e22, '5232147853951389454975944733847094921409e-40'],
    ['sin', 22, '-8851309290403875921690256815772332463289e-42'],
    ['cos', -1e300, '-5753861119575490466882442759658061506356e-40'],
    ['tanh', 0.5, '4621171572600097585023184836436725487302e-40'],
    ['tanh', -3, '-9950547536867304513318801852554884750978e-40'],
    ['sigmoid', -5, '6692850924284855559361980381325180393744e-42'],
    ['silu', 3, '2857722380467299657363455544684743395841e-39'],
    ['softplus', 0.5, '9740769841801066808729973550811707497555e-40'],
    ['softplus', -50, '1928749847963917783017156812728211532954e-61'],
    ['softplus', -110, '1688911880224532335163846314671427357065e-87'],
    ['erf', 0.5, '5204998778130465376827466538919645287364e-40'],
    ['erf', -2, '-9953222650189527341620692563672529286108e-40'],
    ['gelu', -4, '-1266849673324796850150830268886051937753e-43'],
    ['gelu', 0.25, '1496765814207309310602134478952584348205e-40'],
    ['gaussian', 1.5, '1053992245618643367832176892406980972684e-40'],
    ['gaussian', -12, '2894640311648300280293837465011030651372e-102'],
    ['sechSquared', 0.3, '9151369618266292090568695563431712388414e-40'],
    ['sechSquared', -25.5, '2838189664913881655592904989094528196483e-61'],
    ['sigmoidDerivative', 40, '4248354255291588959232207025950354801666e-57'],
    ['siluDerivative', -1.278464542761074, '-2452007938935708033867672764724056329745e-56'],
    ['siluDerivative', -40, '-1656858159563719693920075601336096856952e-55'],
    ['erfDerivative', 3.25, '2918902538358170072223426507389067715255e-44'],
    ['geluDerivative', -0.7517915246935645, '-6453751729367753219676864831930321287933e-57'],
    ['geluDerivative', -12, '-2557895661674895624067356555598222504967e-70'],
  ])('%s(%f) to 40 digits', (name, x, expected) => {
    expect(digits(FUNCTIONS[name](exactly(x)))).toBe(expected);
  });

  test('ulpError of neighbours of an exact value is 1, of the value 0, of NaN and of a wrong infinity unbounded', () => {
    const x = 1.5;
    expect(ulpError(x, exactly(x), 'f64')).toBe(0);
    expect(ulpError(x + 2 ** -52, exactly(x), 'f64')).toBe(1);
    expect(ulpError(x - 2 ** -23, exactly(x), 'f32')).toBe(1);
    expect(ulpError(5e-324, exactly(0), 'f64')).toBe(1);
    expect(ulpError(Number.NaN, exactly(x), 'f64')).toBe(Number.POSITIVE_INFINITY);
    expect(ulpError(Number.POSITIVE_INFINITY, exactly(Number.MAX_VALUE), 'f64')).toBe(1);
    expect(ulpError(Number.POSITIVE_INFINITY, exactly(x), 'f64')).toBeGreaterThan(1e300);
  });
});
