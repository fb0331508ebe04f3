/** @file How a parameter is drawn before training: the distributions that torch.nn's modules start from. */

export type InitialDistribution =
  | { readonly kind: 'constant'; readonly value: number }
  /** U(−bound, bound). */
  | { readonly kind: 'uniform'; readonly bound: number }
  /** N(0, deviation²). */
  | { readonly kind: 'normal'; readonly deviation: number };

export const ZEROS: InitialDistribution = { kind: 'constant', value: 0 };
export const ONES: InitialDistribution = { kind: 'constant', value: 1 };
export const STANDARD_NORMAL: InitialDistribution = { kind: 'normal', deviation: 1 };

/** U(±1/√fan): torch's default for Linear, convolutions (kaiming_uniform with a = √5) and recurrent cells (fan = hidden size). */
export function uniformByFan(fan: number): InitialDistribution {
  return { kind: 'uniform', bound: 1 / Math.sqrt(fan) };
}

/** U(±√(6/(fan_in + fan_out))), Glorot and Bengio 2010. */
export function xavierUniform(fanIn: number, fanOut: number): InitialDistribution {
  return { kind: 'uniform', bound: Math.sqrt(6 / (fanIn + fanOut)) };
}
