/** @file Tiles that misbehave on request: tile t returns [t, its value] unless its plan says otherwise. */

import { existsSync, writeFileSync } from 'node:fs';
import { TangedgeError } from '../../src/core/errors.ts';
import type { TiledJob, TileKind } from '../../src/wasm/tiled.ts';

export interface Fault {
  /** `once` misbehaves the first time only, remembered by a file. */
  readonly what: 'exit' | 'throw' | 'throw-plain' | 'sleep' | 'grow';
  readonly tile: number;
  readonly once?: string;
  /** Milliseconds of `sleep`. */
  readonly ms?: number;
}

export interface FaultyPlan {
  readonly values: Float64Array;
  readonly faults: readonly Fault[];
}

export const faultyTiles: TileKind<FaultyPlan, Float64Array> = {
  name: 'faulty',
  start: (rt, { values, faults }) => ({
    compute(tile) {
      for (const fault of faults) {
        if (fault.tile !== tile) continue;
        if (fault.once !== undefined) {
          if (existsSync(fault.once)) continue;
          writeFileSync(fault.once, '');
        }
        if (fault.what === 'exit') process.exit(7);
        if (fault.what === 'throw')
          throw new TangedgeError('ERR_DOMAIN', `tile ${tile} is bad`, { tile, index: [1, 2] }, { cause: new RangeError('deep') });
        if (fault.what === 'throw-plain') throw new RangeError('a plain one');
        if (fault.what === 'sleep') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, fault.ms);
        if (fault.what === 'grow') rt.arena.frame(() => rt.arena.f64(rt.arena.allocate(64 << 20), 8 << 20).fill(1));
      }
      return Float64Array.of(tile, values[tile]);
    },
  }),
};

/** Sums the values of its tiles. */
export function faultyJob(tiles: number, faults: readonly Fault[] = []): TiledJob<number, FaultyPlan, Float64Array> {
  let sum = 0;
  return {
    kind: faultyTiles,
    plan: { values: Float64Array.from({ length: tiles }, (_, tile) => tile + 1), faults },
    tiles,
    flops: 1e12,
    memory: { limit: 1e9, workerBytes: 1000, resultBytes: 0 },
    place(tile, values) {
      if (values[0] !== tile) throw new Error(`tile ${values[0]} came as ${tile}`);
      sum += values[1];
    },
    finish: () => sum,
  };
}
