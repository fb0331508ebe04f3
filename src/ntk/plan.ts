/** @file Plan of an NTK: implementation, contraction per site, tiles, and memory. Everything is decided here, from the whole problem. */

import { TangedgeError } from '../core/errors.ts';
import type { Dtype, FloatArray } from '../core/tensor.ts';
import type { ValueId } from '../graph/graph.ts';
import { type Model, trainableParameters } from '../graph/model.ts';
import { lateFlops, type Program, programBytes } from '../graph/program.ts';
import { outputNormsBytes } from '../graph/separation.ts';
import type { Site } from '../graph/sites.ts';
import { buildSweep, type Contraction, type OutputForm, planSweep, type Sweep, unitSeeds, type WantedForm } from '../graph/sweep.ts';
import { type Runtime, routinesOf } from '../wasm/runtime.ts';
import { type BlockLayout, blockLayout, type OutputLayout } from './block-layout.ts';
import { cheapestContraction, groupFlops, type Problem, pairs, smallestContraction } from './cost.ts';
import type { NtkImplementation, NtkOutputs } from './options.ts';
import { placeBlocksBytes } from './place-blocks.ts';
import { spreadTile } from './spread.ts';

/** A pair of blocks of examples: rows of x1, columns of x2. */
export interface NtkTile {
  readonly row: number;
  readonly column: number;
}

export type FactoredImplementation = 'structured-derivatives' | 'jacobian-contraction';

export interface NtkPlan {
  readonly problem: Problem;
  readonly layout: OutputLayout;
  /** Multiplies the assembled kernel: 1/c for `mean`. */
  readonly factor: number;
  readonly implementation: FactoredImplementation;
  readonly dtype: Dtype;
  /** Output cotangents, [c] each: unit vectors, or one vector for the pseudo-NTK. */
  readonly seeds: readonly FloatArray[];
  /** One kernel per parameter, or their sum. */
  readonly perParameter: boolean;
  readonly parameters: readonly string[];
  readonly sweep: Sweep;
  readonly program: Program;
  readonly blocks: BlockLayout;
  /** Examples per block, examples and cotangents per sweep, blocks whose factors are kept in memory. */
  readonly tileSize: number;
  readonly sweepSize: number;
  readonly seedBlock: number;
  readonly slots: number;
  readonly tiles: readonly NtkTile[];
  /** Bytes of WebAssembly memory, and of the result. */
  readonly wasmBytes: number;
  readonly resultBytes: number;
}

export interface NtkRequest {
  readonly n1: number;
  readonly n2: number;
  readonly symmetric: boolean;
  readonly outputs: NtkOutputs | 'pseudo';
  readonly implementation: Exclude<NtkImplementation, 'auto'>;
  readonly dtype: Dtype;
  readonly perParameter: boolean;
  readonly memoryLimit: number;
  readonly tileSize?: number;
  /** Threads that will share the tiles: enough tiles for all of them. Changes no bit. */
  readonly threads?: number;
}

/** Examples per block, and rows of a tile of the kernel: above them neither products nor copies become faster. */
const MAX_TILE = 256;
const MAX_TILE_ROWS = 1024;
const MIN_TILE = 16;
/** Cotangents of one backward sweep, and examples × cotangents: enough rows for the products to run at full speed. */
const MAX_SEEDS = 16;
const SWEEP_ROWS = 640;
/** Rows from which smaller sweeps only take less memory, and the memory from which they also run faster: caches are small. */
const LEAST_SWEEP_ROWS = 160;
const SWEEP_BYTES = 32 * 1024 * 1024;

/**
 * Plans the kernel of structured derivatives or Jacobian contraction: the contraction of each site by cost, the largest
 * tiles that fit, all factors kept when memory allows and recomputed per pair of blocks when not.
 *
 * @throws {TangedgeError} ERR_MEMORY with info.needed and info.limit when not even the smallest tiles fit.
 */
export function planFactoredNtk(rt: Runtime, model: Model, request: NtkRequest): NtkPlan {
  const { n1, n2, symmetric, outputs, dtype } = request;
  const implementation: FactoredImplementation =
    request.implementation === 'jacobian-contraction' ? request.implementation : 'structured-derivatives';
  const c = model.output.size;
  const { seeds, layout, factor } = kernelForm(outputs, c);
  const problem: Problem = { n1, n2, symmetric, outputs: seeds.length, crossOutputs: layout === 'blocks' };
  const rules: ((site: Site, form: OutputForm) => Contraction)[] =
    implementation === 'jacobian-contraction'
      ? [() => 'rows']
      : [(site, form) => cheapestContraction(site, problem, form), (site, form) => smallestContraction(site, problem, form)];
  const resultBytes = resultSize(request, c, model) * 8;
  const budget = budgetOf(rt, request, resultBytes);
  let needed = Number.POSITIVE_INFINITY;
  for (const rule of rules) {
    const sweep = buildSweep(model, rule, { outputs: outputForm(implementation, problem, layout) });
    const fitted = fitTiles(rt, sweep, request, problem, layout, budget);
    if (fitted.fits) {
      const plan: NtkPlan = {
        problem,
        layout,
        factor,
        implementation,
        dtype,
        seeds,
        perParameter: request.perParameter,
        parameters: trainableParameters(model).map(({ name }) => name),
        sweep,
        ...fitted.choice,
        tiles: planTiles(n1, n2, symmetric, fitted.choice.tileSize),
        resultBytes,
      };
      return spreadPlan(rt, plan, request);
    }
    needed = Math.min(needed, fitted.choice.wasmBytes + resultBytes);
  }
  throw memoryError(needed, request.memoryLimit, resultBytes);
}

/** What separable cotangents become: in structured derivatives alone, Jacobian contraction is what its name says, and an oracle. */
export function outputForm(implementation: FactoredImplementation, { outputs }: Problem, layout: OutputLayout): WantedForm {
  if (implementation !== 'structured-derivatives' || outputs === 1) return 'each';
  return layout === 'summed' ? 'summed' : layout === 'blocks' ? 'exchangeable' : 'each';
}

/** The error for a problem that does not fit, whatever the tiles. */
export function memoryError(needed: number, limit: number, resultBytes: number): TangedgeError {
  return new TangedgeError(
    'ERR_MEMORY',
    `ntk: ${needed} bytes are needed with the smallest tiles (${resultBytes} of them for the result), the memory limit is ${limit}. Raise the limit, or ask for fewer examples or outputs 'trace'.`,
    { needed, limit, resultBytes },
  );
}

/** Elements of the result. */
export function resultSize({ n1, n2, outputs, perParameter }: NtkRequest, c: number, model: Model): number {
  const perPair = outputs === 'full' ? c * c : outputs === 'diagonal' ? c : 1;
  const kernels = perParameter ? model.parameters.filter(({ trainable }) => trainable).length : 1;
  return n1 * n2 * perPair * kernels;
}

/** What `outputs` asks for: which cotangents are swept, where output indices go, and what the sums are multiplied by. */
export function kernelForm(outputs: NtkRequest['outputs'], c: number): Pick<NtkPlan, 'seeds' | 'layout' | 'factor'> {
  return {
    seeds: outputs === 'pseudo' ? [new Float64Array(c).fill(1 / Math.sqrt(c))] : unitSeeds(c, 0, c),
    layout: outputs === 'full' ? 'blocks' : outputs === 'diagonal' ? 'planes' : 'summed',
    factor: outputs === 'mean' ? 1 / c : 1,
  };
}

/** Pairs of blocks in row order; the lower triangle when symmetric. */
export function planTiles(n1: number, n2: number, symmetric: boolean, tileSize: number): NtkTile[] {
  const rows = Math.ceil(n1 / tileSize);
  const columns = Math.ceil(n2 / tileSize);
  const tiles: NtkTile[] = [];
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < (symmetric ? row + 1 : columns); column++) tiles.push({ row, column });
  }
  return tiles;
}

/**
 * The plan with smaller tiles where threads share them. Whether the problem fits was decided without threads, and with it the
 * contractions.
 */
export function spreadPlan(rt: Runtime, plan: NtkPlan, request: NtkRequest): NtkPlan {
  const { n1, n2, symmetric, threads = 1 } = request;
  const { problem, blocks } = plan;
  const pair = blocks.groups.reduce((total, group) => total + groupFlops(group, problem), 0) / pairs(problem);
  const tileSize = spreadTile({ n: Math.max(n1, n2), threads, most: MAX_TILE, example: exampleFlops(plan), pair });
  if (request.tileSize !== undefined || tileSize >= plan.tileSize) return plan;
  const refitted = fitTiles(rt, plan.sweep, { ...request, tileSize }, plan.problem, plan.layout, budgetOf(rt, request, plan.resultBytes));
  if (!refitted.fits) return plan;
  return { ...plan, ...refitted.choice, tiles: planTiles(n1, n2, symmetric, refitted.choice.tileSize) };
}

/** Bytes of WebAssembly memory that the tiles may take. */
function budgetOf(rt: Runtime, { memoryLimit }: NtkRequest, resultBytes: number): number {
  return Math.min(memoryLimit - resultBytes, rt.arena.limit - rt.arena.used);
}

/** Flops of both sweeps over one example. */
export function exampleFlops({ program, sweepSize, seedBlock, problem }: NtkPlan): number {
  // A single block of cotangents is given once for all examples.
  const late = problem.outputs > seedBlock ? lateFlops(program) : program.flops[3];
  return (program.flops[1] + late * (problem.outputs / seedBlock)) / sweepSize;
}

/** Examples per block when n are cut into equal blocks of at most `most`. */
function balanced(n: number, most: number): number {
  return Math.ceil(n / Math.ceil(n / Math.max(1, most)));
}

type TileChoice = Pick<NtkPlan, 'program' | 'blocks' | 'tileSize' | 'sweepSize' | 'seedBlock' | 'slots' | 'wasmBytes'>;

/** The largest tiles that fit the budget: first with every block's factors resident, then with two blocks at a time. */
function fitTiles(
  rt: Runtime,
  sweep: Sweep,
  request: NtkRequest,
  problem: Problem,
  layout: OutputLayout,
  budget: number,
): { fits: boolean; choice: TileChoice } {
  const largest = Math.max(problem.n1, problem.symmetric ? 0 : problem.n2);
  const rowsPerExample = layout === 'blocks' ? problem.outputs : 1;
  const most = request.tileSize ?? Math.min(MAX_TILE, Math.max(MIN_TILE, Math.floor(MAX_TILE_ROWS / rowsPerExample)));
  const routines = routinesOf(rt, request.dtype);
  const normBytes = outputNormsBytes(sweep, problem.outputs, request.dtype, routines);
  const programs = new Map<string, Program>();
  const programOf = ({ sweepSize, seedBlock }: SweepShape): Program => {
    const key = `${sweepSize} × ${seedBlock}`;
    const program = programs.get(key) ?? planSweep(sweep, sweepSize, seedBlock, request.dtype, { placeable: rowsOf(sweep) });
    programs.set(key, program);
    return program;
  };
  const candidate = (tile: number, shape: SweepShape, resident: boolean): TileChoice => {
    const tileSize = request.tileSize ? Math.min(request.tileSize, largest) : balanced(largest, tile);
    const { sweepSize, seedBlock } = shape;
    const program = programOf(shape);
    const blocks = blockLayout(rt, sweep, { tileSize, outputs: problem.outputs, layout, dtype: request.dtype });
    const count = Math.ceil(problem.n1 / tileSize) + (problem.symmetric ? 0 : Math.ceil(problem.n2 / tileSize));
    const slots = resident ? count : Math.min(count, 2);
    const planes = (request.perParameter ? new Set(sweep.factors.map(({ index }) => index)).size : 1) * (layout === 'planes' ? problem.outputs : 1);
    const side = tileSize * rowsPerExample;
    const placeBytes = layout === 'blocks' ? placeBlocksBytes(tileSize, problem.outputs) : 0;
    const tileBytes = planes * side * side * 8 + Math.max(blocks.pairBytes, placeBytes);
    const wasmBytes = Math.max(programBytes(program, routines), normBytes) + slots * blocks.bytes + tileBytes + 65536;
    return { program, blocks, tileSize, sweepSize, seedBlock, slots, wasmBytes };
  };
  const shapes = new Map<number, SweepShape[]>();
  const shapesOf = (tile: number): SweepShape[] => {
    const tileSize = request.tileSize ? Math.min(request.tileSize, largest) : balanced(largest, tile);
    const known = shapes.get(tileSize) ?? sweepShapes(tileSize, problem.outputs, programOf);
    shapes.set(tileSize, known);
    return known;
  };
  const sizes = request.tileSize ? [request.tileSize] : halvings(Math.min(most, largest));
  for (const resident of [true, false]) {
    for (const tile of sizes) {
      if (resident && tile < 32 && tile < sizes[0]) break;
      for (const shape of shapesOf(tile)) {
        const choice = candidate(tile, shape, resident);
        if (choice.wasmBytes <= budget) return { fits: true, choice };
      }
    }
  }
  const smallest = sizes[sizes.length - 1];
  return { fits: false, choice: candidate(smallest, shapesOf(smallest)[shapesOf(smallest).length - 1], false) };
}

/** Gradients go where the block of their examples keeps them, without a copy. */
function rowsOf({ factors }: Sweep): ValueId[] {
  return factors.filter(({ contraction }) => contraction === 'rows').map(({ right }) => right);
}

type SweepShape = Pick<NtkPlan, 'sweepSize' | 'seedBlock'>;

/** Shapes of a sweep over a block of `tileSize` examples, the fastest first, then ever smaller ones. */
function sweepShapes(tileSize: number, outputs: number, programOf: (shape: SweepShape) => Program): SweepShape[] {
  const seedBlock = balanced(outputs, MAX_SEEDS);
  const shapes: SweepShape[] = halvings(Math.min(tileSize, Math.max(1, Math.floor(SWEEP_ROWS / seedBlock)))).map((size) => ({
    sweepSize: balanced(tileSize, size),
    seedBlock,
  }));
  for (const fewer of halvings(seedBlock).slice(1)) shapes.push({ sweepSize: 1, seedBlock: fewer });
  const perExample = programOf(shapes[0]).valueBytes / shapes[0].sweepSize;
  const fastest = shapes.findIndex(({ sweepSize }) => sweepSize * seedBlock < 2 * LEAST_SWEEP_ROWS || sweepSize * perExample <= SWEEP_BYTES);
  return shapes.slice(Math.max(0, fastest));
}

function halvings(from: number): number[] {
  const list: number[] = [];
  for (let value = from; value >= 1; value = Math.floor(value / 2)) list.push(value);
  return list;
}
