/** @file What a case of the runtime tests is: a computation whose output bytes must not depend on where or how it runs. */

import type { Dtype, Runtime } from 'tangedge';

/** A way to run the cases; the bytes of a case are the same in every setting. */
export interface Setting {
  /** The routines as they are published, or with assertions and without optimization. */
  readonly module: 'release' | 'debug';
  /** Examples per tile, where a case has tiles; undefined is the library's own choice. */
  readonly tileSize?: number;
}

/** The settings of every runtime. */
export const SETTINGS: readonly Setting[] = [
  { module: 'release' },
  { module: 'release', tileSize: 1 },
  { module: 'release', tileSize: 3 },
  { module: 'debug' },
];

/** What a case is given. */
export interface Given {
  readonly rt: Runtime;
  readonly dtype: Dtype;
  readonly tileSize?: number;
}

export type Output = Float64Array | Float32Array | string;

export interface Case {
  readonly name: string;
  /** Cases without tiles run in one setting per module. */
  readonly tiled: boolean;
  run(given: Given): readonly Output[] | Promise<readonly Output[]>;
}

/** Identifies a setting in messages: `release, tiles of 3`. */
export function describeSetting({ module, tileSize }: Setting): string {
  return [module, ...(tileSize === undefined ? [] : [`tiles of ${tileSize}`])].join(', ');
}
