/** @file One row: rounds of roof, ours and every peer in turn, so that each ratio is of neighbours in time. */

import type { Dtype, Runtime } from '../src/index.ts';
import { type Goal, judge, type Verdict } from './goal.ts';
import { prepare } from './ours.ts';
import type { Rival } from './peer.ts';
import type { Roof } from './roof.ts';
import { median, stopwatch } from './stopwatch.ts';
import type { Row, Task } from './task.ts';

export interface Timing {
  /** Seconds. */
  readonly best: number;
  readonly median: number;
}

export interface PeerTiming extends Timing {
  readonly name: string;
  /** Median over the rounds of the peer's time over ours; of a peer that was sampled once, its time over our median. */
  readonly ratio: number;
  readonly roofShare?: number;
}

export interface Result {
  readonly name: string;
  readonly flops?: number;
  readonly ours: Timing;
  /** Best rate over the best rate of the roof (128-bit vectors, one thread) measured between the rounds. */
  readonly roofShare?: number;
  /** What the row's operations would take at the roof. */
  readonly roofSeconds?: number;
  /** Most WebAssembly memory so far, bytes. */
  readonly wasmBytes: number;
  readonly peers: readonly PeerTiming[];
  readonly goals: readonly Verdict[];
}

export interface Rounds {
  readonly most: number;
  /** No further round is begun after so many seconds. */
  readonly seconds: number;
  /** Samples of a peer that takes seconds, at most. */
  readonly slow: number;
}

export async function compare(rt: Runtime, roof: Roof, peers: readonly Rival[], row: Row, rounds: Rounds): Promise<Result> {
  const { run, release } = prepare(rt, row.task);
  const sample = stopwatch(run);
  const able: Rival[] = [];
  const first: number[] = [];
  for (const peer of [...(row.beside ? [ourselves(rt, row.beside)] : []), ...peers]) {
    const seconds = await peer.sample(row.task);
    if (seconds === null) continue;
    able.push(peer);
    first.push(seconds);
  }
  const dtype = dtypeOf(row.task);
  const ours: number[][] = [];
  const theirs: number[][][] = able.map(() => []);
  const roofs: number[] = [];
  const start = performance.now();
  while (ours.length < rounds.most && (ours.length < 2 || (performance.now() - start) / 1000 < rounds.seconds)) {
    roofs.push(roof.gigaflops(dtype));
    ours.push(
      await burst(() => {
        const seconds = sample();
        roofs.push(roof.gigaflops(dtype));
        return seconds;
      }),
    );
    for (const [index, peer] of able.entries()) {
      // The first sample of what takes seconds counts.
      const slow = first[index] > SLOW_SECONDS;
      if (slow && ours.length > (first[index] > VERY_SLOW_SECONDS ? 1 : rounds.slow)) continue;
      const samples = slow && ours.length === 1 ? [first[index]] : await burst(() => peer.sample(row.task));
      if (samples.length > 0) theirs[index].push(samples);
    }
  }
  release();
  const operations = row.flops ?? row.leastFlops;
  const shareOf = (rounds: readonly number[][]) => row.flops && row.flops / Math.min(...rounds.flat()) / 1e9 / Math.max(...roofs);
  const result = {
    name: row.name,
    flops: row.flops,
    ours: timing(ours),
    roofShare: shareOf(ours),
    roofSeconds: operations && operations / Math.max(...roofs) / 1e9,
    wasmBytes: rt.arena.peakBytes,
    peers: able.map(({ name }, index) => ({
      name,
      ...timing(theirs[index]),
      ratio:
        theirs[index].length === 1
          ? median(theirs[index][0]) / timing(ours).median
          : median(theirs[index].map((samples, round) => median(samples) / median(ours[round]))),
      roofShare: shareOf(theirs[index]),
    })),
  };
  return { ...result, goals: (row.goals ?? []).map((goal: Goal) => judge(goal, result)) };
}

const SLOW_SECONDS = 1;
const VERY_SLOW_SECONDS = 15;

/** Samples in a row, at most, and seconds after which none is begun: a disturbance then spoils some of a round, seldom all. */
const BURST = 5;
const BURST_SECONDS = 0.05;

/** In which numbers the task computes. */
function dtypeOf(task: Task): Dtype {
  if ('dtype' in task) return task.dtype;
  return task.kind === 'ntk' || task.kind === 'agop' || task.kind === 'training' ? 'f32' : 'f64';
}

/** None of what says null. */
async function burst(sample: () => number | Promise<number | null>): Promise<number[]> {
  const samples: number[] = [];
  const start = performance.now();
  do {
    const seconds = await sample();
    if (seconds === null) break;
    samples.push(seconds);
  } while (samples.length < BURST && (performance.now() - start) / 1000 < BURST_SECONDS);
  return samples;
}

/** Another task of ours, as a peer. */
function ourselves(rt: Runtime, { name, task }: NonNullable<Row['beside']>): Rival {
  const { run } = prepare(rt, task);
  const sample = async () => {
    const start = performance.now();
    run();
    return (performance.now() - start) / 1000;
  };
  return { name, sample };
}

function timing(rounds: readonly number[][]): Timing {
  const seconds = rounds.flat();
  return { best: Math.min(...seconds), median: median(seconds) };
}
