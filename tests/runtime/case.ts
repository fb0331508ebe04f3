/** @file What a case of the runtime tests is: a computation whose output bytes must not depend on where or how it runs. */

import type { Dtype, Pool, Runtime } from 'tangedge';

/** A way to run the cases; the bytes of a case are the same in every setting. */
export interface Setting {
  /** The routines as they are published, or with assertions and without optimization. */
  readonly module: 'release' | 'debug';
  /** Examples per tile, where a case has tiles; undefined is the library's own choice. */
  readonly tileSize?: number;
  /** Threads of a pool; undefined calls the functions without one. */
  readonly workers?: number;
}

/** The settings, of which a runtime takes the first so many: the one everything else is compared with, tiles in threads, the other tiles, debug. */
export const SETTINGS: readonly Setting[] = [
  { module: 'release' },
  { module: 'release', workers: 2, tileSize: 3 },
  { module: 'release', tileSize: 1 },
  { module: 'release', tileSize: 3 },
  { module: 'release', workers: 0, tileSize: 3 },
  { module: 'release', workers: 3, tileSize: 7 },
  { module: 'debug' },
  { module: 'debug', workers: 1 },
];
export const RELEASE_SETTINGS = SETTINGS.filter(({ module }) => module === 'release').length;

/** What a case is given. */
export interface Given {
  readonly rt: Runtime;
  readonly dtype: Dtype;
  readonly tileSize?: number;
  /** The tiled quantities: the functions of these names, or a pool's. */
  readonly tiled: Quantities;
  /** The pool of the setting. */
  readonly pool?: Pool;
}

export type Quantities = Pick<Pool, 'forward' | 'empiricalNtk' | 'jacobian' | 'inputJacobian' | 'agop' | 'neuralFeatures'>;

export type Output = Float64Array | Float32Array | string;

export interface Case {
  readonly name: string;
  /**
   * `whole` cases have no tiles and run in one setting per module; `pooled` ones have tiles and run with worker threads too;
   * `threads` ones take worker threads and no tile size.
   */
  readonly parts: 'whole' | 'tiles' | 'pooled' | 'threads';
  run(given: Given): readonly Output[] | Promise<readonly Output[]>;
}

/** Identifies a setting in messages: `release, tiles of 3`. */
export function describeSetting({ module, tileSize, workers }: Setting): string {
  const parts = [module, tileSize === undefined ? '' : `tiles of ${tileSize}`, workers === undefined ? '' : `${workers} workers`];
  return parts.filter((part) => part !== '').join(', ');
}
