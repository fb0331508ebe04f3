/** @file What one request may ask of the service, and how variables of the deployment change it. */

import { TangedgeError } from '../core/errors.ts';

export interface ServiceLimits {
  /** Bytes of a request's body, and of all requests that one isolate holds at a time. */
  readonly requestBytes: number;
  /** Examples, n. */
  readonly examples: number;
  /** Outputs of the model, c. */
  readonly outputs: number;
  /** Widest input of a weight whose features are analyzed; wider ones are left out, and the report says so. */
  readonly featureWidth: number;
  /** WebAssembly memory; also what the quantities' own limits are. */
  readonly wasmBytes: number;
  /** Everything else that an analysis holds: the request, tensors, kernels, features. */
  readonly heapBytes: number;
}

const MIB = 1024 * 1024;

/**
 * For an isolate of 128 MB: 24 MiB of WebAssembly memory, 12 MiB that an analysis holds, about 20 MB for the compiled program, and
 * the rest for what has been dropped and the engine has not yet collected: tests/http/cloudflare.test.ts measures the sum.
 */
export const EDGE_LIMITS: ServiceLimits = {
  requestBytes: 4 * MIB,
  examples: 256,
  outputs: 64,
  featureWidth: 128,
  wasmBytes: 24 * MIB,
  heapBytes: 12 * MIB,
};

/** Names of the variables. */
const VARIABLES = {
  MAX_REQUEST_BYTES: 'requestBytes',
  MAX_EXAMPLES: 'examples',
  MAX_OUTPUTS: 'outputs',
  MAX_FEATURE_WIDTH: 'featureWidth',
  MAX_WASM_BYTES: 'wasmBytes',
  MAX_HEAP_BYTES: 'heapBytes',
} as const satisfies Record<string, keyof ServiceLimits>;

/**
 * EDGE_LIMITS with those that the deployment's variables name.
 *
 * @throws {TangedgeError} ERR_ARGUMENT when a variable is no positive whole number
 */
export function limitsFrom(variables: Readonly<Record<string, unknown>>): ServiceLimits {
  const limits: Record<keyof ServiceLimits, number> = { ...EDGE_LIMITS };
  for (const [name, field] of Object.entries(VARIABLES)) {
    const given = variables[name];
    if (given === undefined) continue;
    const value = typeof given === 'string' && given.trim() !== '' ? Number(given) : given;
    if (!(typeof value === 'number' && Number.isSafeInteger(value) && value > 0)) {
      throw new TangedgeError('ERR_ARGUMENT', `the variable ${name} is ${JSON.stringify(given)}; it must be a positive whole number.`, {
        name,
        given,
      });
    }
    limits[field] = value;
  }
  return limits;
}
