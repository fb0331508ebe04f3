/** @file One row: rounds of roof, ours and every peer in turn, so that each ratio is of neighbours in time. */

import type { Runtime } from '../src/index.ts';
import { prepare } from './ours.ts';
import type { Peer } from './peer.ts';
import type { Roof } from './roof.ts';
import { median, stopwatch } from './stopwatch.ts';
import type { Row } from './task.ts';

export interface Timing {
  /** Seconds. */
  readonly best: number;
  readonly median: number;
}

export interface PeerTiming extends Timing {
  readonly name: string;
  /** Median over the rounds of the peer's time over ours. */
  readonly ratio: number;
  readonly roofShare?: number;
}

export interface Result {
  readonly name: string;
  readonly flops?: number;
  readonly ours: Timing;
  /** Best rate over the best rate of the roof (128-bit vectors, one thread) measured between the rounds. */
  readonly roofShare?: number;
  /** Most WebAssembly memory so far, bytes. */
  readonly wasmBytes: number;
  readonly peers: readonly PeerTiming[];
}

export interface Rounds {
  readonly most: number;
  /** No further round is begun after so many seconds. */
  readonly seconds: number;
}

export async function compare(rt: Runtime, roof: Roof, peers: readonly Peer[], row: Row, rounds: Rounds): Promise<Result> {
  const { run, release } = prepare(rt, row.task);
  const sample = stopwatch(run);
  const able: Peer[] = [];
  const first: number[] = [];
  for (const peer of peers) {
    const seconds = await peer.sample(row.task);
    if (seconds === null) continue;
    able.push(peer);
    first.push(seconds);
  }
  const dtype = 'dtype' in row.task ? row.task.dtype : 'f64';
  const ours: number[] = [];
  const theirs: number[][] = able.map(() => []);
  const roofs: number[] = [];
  const start = performance.now();
  while (ours.length < rounds.most && (ours.length < 2 || (performance.now() - start) / 1000 < rounds.seconds)) {
    roofs.push(roof.gigaflops(dtype));
    ours.push(sample());
    roofs.push(roof.gigaflops(dtype));
    for (const [index, peer] of able.entries()) {
      // What takes seconds is timed once: its first sample was one run.
      const seconds = first[index] > SLOW_SECONDS ? first[index] : await peer.sample(row.task);
      if (seconds !== null) theirs[index].push(seconds);
    }
  }
  release();
  const shareOf = (seconds: readonly number[]) => row.flops && row.flops / Math.min(...seconds) / 1e9 / Math.max(...roofs);
  return {
    name: row.name,
    flops: row.flops,
    ours: timing(ours),
    roofShare: shareOf(ours),
    wasmBytes: rt.arena.peakBytes,
    peers: able.map(({ name }, index) => ({
      name,
      ...timing(theirs[index]),
      ratio: median(theirs[index].map((seconds, round) => seconds / ours[round])),
      roofShare: shareOf(theirs[index]),
    })),
  };
}

const SLOW_SECONDS = 3;

function timing(seconds: readonly number[]): Timing {
  return { best: Math.min(...seconds), median: median(seconds) };
}
