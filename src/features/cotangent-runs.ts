/** @file Running the sweeps that leave cotangents: some examples and some outputs at a time, each cotangent lent once. */

import { bytesOf, type Dtype, type FloatArray, sizeOf } from '../core/tensor.ts';
import type { Execution } from '../graph/execution.ts';
import type { Model } from '../graph/model.ts';
import { lateFlops, type Program } from '../graph/program.ts';
import {
  giveCotangents,
  isForAllExamples,
  paddedBlock,
  planSweep,
  type Sweep,
  startSweep,
  sweepBackward,
  sweepForward,
  unitSeeds,
} from '../graph/sweep.ts';
import type { Runtime } from '../wasm/runtime.ts';
import type { Cotangent, CotangentSweep } from './cotangent-sweep.ts';

/** How the sweeps run: `sweepSize` examples and `seedBlock` outputs at a time. */
export interface CotangentPlan {
  readonly sweep: Sweep;
  readonly cotangents: readonly Cotangent[];
  readonly program: Program;
  readonly dtype: Dtype;
  /** Outputs. */
  readonly c: number;
  /** Elements of one example of the input. */
  readonly inputSize: number;
  readonly sweepSize: number;
  readonly seedBlock: number;
}

/** Examples × cotangents of one backward sweep: enough rows for the products to run at full speed. */
const SWEEP_ROWS = 512;
/** Elements of cotangents that one backward sweep may occupy: few enough for the caches. */
const SWEEP_ELEMENTS = 6291456;
/** Cotangents of one backward sweep, at most: what depends on them alone is shared by examples enough. */
const MOST_COTANGENTS = 64;
const MOST_EXAMPLES = 64;

/** Plans sweeps over `n` examples at a time or fewer. Their sizes depend on the model and n, not on what is asked about it. */
export function planCotangents(model: Model, { sweep, cotangents }: CotangentSweep, n: number, dtype: Dtype): CotangentPlan {
  const c = model.output.size;
  const rows = Math.max(1, Math.floor(Math.min(SWEEP_ROWS, SWEEP_ELEMENTS / elementsPerExample(model))));
  const seedBlock = Math.min(c, rows, MOST_COTANGENTS);
  const sweepSize = Math.min(n, Math.floor(rows / seedBlock), MOST_EXAMPLES);
  const program = planSweep(sweep, sweepSize, seedBlock, dtype, { keep: cotangents.map(({ id }) => id) });
  return { sweep, cotangents, program, dtype, c, inputSize: sizeOf(model.input.shape), sweepSize, seedBlock };
}

/** Elements that one example occupies in a forward sweep. */
function elementsPerExample(model: Model): number {
  return model.graph.nodes.reduce((total, { batched, shape }) => total + (batched ? sizeOf(shape) : 0), 0);
}

/** Flops of the sweeps over `n` examples. */
export function sweepFlops({ program, c, sweepSize, seedBlock }: CotangentPlan, n: number): number {
  return Math.ceil(n / sweepSize) * (program.flops[1] + Math.ceil(c / seedBlock) * lateFlops(program));
}

/** One output's cotangents of `count` examples from the one at `example` on: [count, positions, width], or the same one for all of them. */
export interface CotangentRun {
  /** Index among the plan's cotangents. */
  readonly index: number;
  readonly output: number;
  readonly example: number;
  readonly count: number;
  readonly ptr: number;
  readonly isShared: boolean;
}

/** Runs the sweeps of a plan; lives in the arena frame in which it was made. */
export class CotangentSweeps {
  private readonly plan: CotangentPlan;
  private readonly x: FloatArray;
  private readonly execution: Execution;
  /** The first output whose cotangents the execution was given last. */
  private given = -1;

  constructor(rt: Runtime, plan: CotangentPlan, x: FloatArray) {
    this.plan = plan;
    this.x = x;
    this.execution = startSweep(rt, plan.sweep, plan.program);
  }

  /** Sweeps over the examples from `first` to before `last`, and lends every cotangent of theirs once, until the next one. */
  run(first: number, last: number, use: (run: CotangentRun) => void): void {
    const { sweep, cotangents, c, inputSize, sweepSize, seedBlock } = this.plan;
    for (let example = first; example < last; example += sweepSize) {
      const count = Math.min(sweepSize, last - example);
      sweepForward(this.execution, sweep, paddedBlock(this.x, example, count, sweepSize, inputSize));
      for (let output = 0; output < c; output += seedBlock) {
        // The last block of outputs starts early enough to be full.
        const from = Math.min(output, c - seedBlock);
        this.give(from);
        sweepBackward(this.execution);
        for (let k = output; k < from + seedBlock; k++) {
          for (const index of cotangents.keys()) use({ index, output: k, example, count, ...this.entry(index, k - from) });
        }
      }
    }
  }

  /** A single block of outputs is given once for all examples. */
  private give(from: number): void {
    const { c, seedBlock, sweep } = this.plan;
    if (this.given === from) return;
    giveCotangents(this.execution, sweep.seed, unitSeeds(c, from, from + seedBlock));
    this.given = from;
  }

  /** Where the cotangents of the k-th output of the last sweep are. */
  private entry(index: number, k: number): { ptr: number; isShared: boolean } {
    const { execution, plan } = this;
    const { id, positions, width } = plan.cotangents[index];
    const isShared = isForAllExamples(plan.program, id);
    const entry = isShared ? Math.min(k, plan.program.batch[id] - 1) : k * plan.sweepSize;
    return { ptr: execution.ptr(id) + entry * positions * width * bytesOf(plan.dtype), isShared };
  }
}
