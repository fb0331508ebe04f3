/**
 * @file Separable cotangents: δ[n, o, …] = e[n, …]·u[o, …], a part of the example times a part of the output.
 *
 * The last hidden layer's cotangent is one: the activation's derivative at the example times the last layer's weight of
 * the output. Summed over outputs, the products of two examples' cotangents need no outputs any more:
 *
 *   Σ_o δ[n, o, i]·δ[m, o, i] = (e[n, i]·r[i])·(e[m, i]·r[i]),   r[i] = √Σ_o u[o, i]²
 *
 * Not summed, two outputs may be exchanged: Σ_i δ[n, o, i]·δ[m, q, i] = Σ_i δ[n, q, i]·δ[m, o, i]. Behind a ReLU e is 0 or 1: these are
 * the sums of u[o, i]·u[q, i] over the units that are on in both examples.
 */

import { bytesOf, type Dtype, type FloatArray, sizeOf, type Tensor } from '../core/tensor.ts';
import type { Routines } from '../wasm/abi.ts';
import { type Runtime, routinesOf } from '../wasm/runtime.ts';
import type { GraphBuilder } from './builder.ts';
import { type Execution, startExecution } from './execution.ts';
import type { Attributes, Graph, ValueId } from './graph.ts';
import { imageGram, imageGramBytes } from './image-gram.ts';
import { listAttribute } from './primitive.ts';
import { broadcast, div, mul, reshape, sum, transpose } from './primitives/table.ts';
import type { Window } from './primitives/window.ts';
import { type Program, planProgram, programBytes } from './program.ts';
import { isReluDerivative, unmoved } from './shared-zeros.ts';

/** Both parts broadcast to the cotangent's shape; the output's part has extent 1 along the axes it does not vary on. */
interface Separation {
  /** Null: ones. */
  readonly example: ValueId | null;
  readonly output: ValueId;
}

/**
 * A shared leaf of the sweep whose value is r = √Σ_o u[o]² of a value u that depends on the output's cotangent alone; with a
 * window, M of u [h, …positions] over an image of [h, w] (image-gram.ts).
 */
export interface OutputNorm {
  readonly leaf: ValueId;
  readonly of: ValueId;
  readonly seen?: { readonly window: Window; readonly image: readonly number[] };
}

/** Finds separable cotangents in a sweep's graph, and sums them over the outputs. */
export class SeparableCotangents {
  readonly norms: OutputNorm[] = [];
  private readonly g: GraphBuilder;
  private readonly ofInput: (id: ValueId) => boolean;
  private readonly ofSeed: (id: ValueId) => boolean;

  constructor(g: GraphBuilder, input: ValueId, seed: ValueId) {
    this.g = g;
    this.ofInput = dependence(g, input);
    this.ofSeed = dependence(g, seed);
  }

  /** Whether a cotangent is separable, with an output's part that does not vary along the axes `constant`. */
  separates(cotangent: ValueId, constant: readonly number[]): boolean {
    return this.partsOf(cotangent, constant) !== null;
  }

  /** Whether it also depends on the example: then δ[n, o]·δ[m, q] = δ[n, q]·δ[m, o]. */
  exchanges(cotangent: ValueId, constant: readonly number[]): boolean {
    return (this.partsOf(cotangent, constant)?.example ?? null) !== null;
  }

  /** Whether the example's part of an exchangeable cotangent is 0 or 1, the derivative of a ReLU. */
  switches(cotangent: ValueId): boolean {
    const { g } = this;
    const gate = unmoved((id) => g.definition(id), this.parts(cotangent).example);
    return isReluDerivative(gate) && g.definition(gate.inputs[1]).value?.data.every((entry) => entry === 1) === true;
  }

  /** e and u of a separable cotangent that depends on the example, both of its shape. */
  parts(cotangent: ValueId): { example: ValueId; output: ValueId } {
    const { g } = this;
    const { example, output } = this.separate(cotangent) as Separation;
    const shape = g.shapeOf(cotangent);
    return { example: broadcast(g, example as ValueId, shape), output: broadcast(g, output, shape) };
  }

  /** Whether a cotangent is the same for all examples. */
  isFixed(cotangent: ValueId): boolean {
    return this.ofSeed(cotangent) && !this.ofInput(cotangent);
  }

  /** L of such a cotangent, [h·w, h·w], of a convolution over images of [h, w] (image-gram.ts). */
  imageGram(cotangent: ValueId, window: Window, image: readonly number[]): ValueId {
    const size = sizeOf(image);
    const leaf = this.g.parameter(`imageGram:${this.norms.length}`, [size, size]);
    this.norms.push({ leaf, of: cotangent, seen: { window, image } });
    return leaf;
  }

  /** e·r of a separable cotangent, which has one entry per example. */
  sumOverOutputs(cotangent: ValueId): ValueId {
    const { g } = this;
    const { example, output } = this.separate(cotangent) as Separation;
    const norm = this.normOf(output);
    return broadcast(g, example === null ? norm : mul(g, example, norm), g.shapeOf(cotangent));
  }

  private partsOf(cotangent: ValueId, constant: readonly number[]): Separation | null {
    const parts = this.separate(cotangent);
    if (parts === null) return null;
    const output = this.g.shapeOf(parts.output);
    const missing = this.g.shapeOf(cotangent).length - output.length;
    return constant.some((axis) => axis >= missing && output[axis - missing] !== 1) ? null : parts;
  }

  private normOf(of: ValueId): ValueId {
    const known = this.norms.find((norm) => norm.of === of && norm.seen === undefined);
    if (known) return known.leaf;
    const leaf = this.g.parameter(`outputNorm:${of}`, this.g.shapeOf(of));
    this.norms.push({ leaf, of });
    return leaf;
  }

  private separate(id: ValueId): Separation | null {
    if (!this.ofSeed(id)) return null;
    return this.separateByOp(id) ?? (this.ofInput(id) ? null : { example: null, output: id });
  }

  private separateByOp(id: ValueId): Separation | null {
    const { g } = this;
    const { op, inputs, attributes } = g.definition(id);
    const [a, b] = inputs;
    switch (op) {
      case 'mul':
        return this.ofSeed(a) ? this.times(a, b) : this.times(b, a);
      case 'div':
        return this.times(a, div(g, g.constant(1), b));
      case 'gate':
        return this.times(b, g.emit('gate', [a, g.constant(1, g.shapeOf(b))], attributes));
      case 'affine':
        return this.moved(
          a,
          (part) => part,
          (part) => g.emit(op, [part], attributes),
        );
      case 'sum':
        return this.summed(a, listAttribute(attributes, 'axes'));
      case 'conv2dWeightGradient':
        return this.convolved(a, b, attributes);
      case 'broadcast':
        return this.moved(a, (part) => part);
      case 'reshape':
        return this.moved(a, (part) => reshape(g, broadcast(g, part, g.shapeOf(a)), g.shapeOf(id)));
      case 'transpose':
        return this.moved(a, (part) => transpose(g, withRank(g, part, g.shapeOf(id).length), listAttribute(attributes, 'permutation')));
      default:
        return null;
    }
  }

  /** A cotangent times a value of no output. */
  private times(cotangent: ValueId, factor: ValueId): Separation | null {
    const { g } = this;
    const parts = this.ofSeed(factor) ? null : this.separate(cotangent);
    if (parts === null) return null;
    if (!this.ofInput(factor)) return { ...parts, output: mul(g, parts.output, factor) };
    return { ...parts, example: parts.example === null ? factor : mul(g, parts.example, factor) };
  }

  /** A sum along axes on which the output's part does not vary is the sum of the example's part. */
  private summed(cotangent: ValueId, axes: readonly number[]): Separation | null {
    const { g } = this;
    const parts = this.separate(cotangent);
    if (parts === null) return null;
    const shape = g.shapeOf(cotangent);
    const output = withRank(g, parts.output, shape.length);
    if (axes.some((axis) => g.shapeOf(output)[axis] !== 1)) return null;
    const example = sum(g, broadcast(g, parts.example ?? g.constant(1, shape), shape), axes);
    return { example, output: sum(g, output, axes) };
  }

  /** A convolution's gradient, [channels, …kernel]: the output's part of a channel stays outside of the sum over positions. */
  private convolved(cotangent: ValueId, x: ValueId, attributes: Attributes): Separation | null {
    const { g } = this;
    const parts = this.separate(cotangent);
    if (parts === null) return null;
    const shape = g.shapeOf(cotangent);
    const output = withRank(g, parts.output, shape.length);
    const [channels, ...positions] = g.shapeOf(output);
    if (positions.some((extent) => extent !== 1)) return null;
    const example = broadcast(g, parts.example ?? g.constant(1, shape), shape);
    return { example: g.emit('conv2dWeightGradient', [example, x], attributes), output: reshape(g, output, [channels, 1, 1, 1]) };
  }

  /** A linear function of a cotangent that takes its parts apart: what becomes of each. */
  private moved(cotangent: ValueId, move: (part: ValueId) => ValueId, moveOutput = move): Separation | null {
    const parts = this.separate(cotangent);
    return parts && { example: parts.example === null ? null : move(parts.example), output: moveOutput(parts.output) };
  }
}

function withRank(g: GraphBuilder, x: ValueId, rank: number): ValueId {
  const shape = g.shapeOf(x);
  return reshape(g, x, [...new Array<number>(rank - shape.length).fill(1), ...shape]);
}

/** Whether a value depends on a leaf; values may be added meanwhile. */
export function dependence(g: GraphBuilder, leaf: ValueId): (id: ValueId) => boolean {
  const depends: boolean[] = [];
  return (id) => {
    for (let next = depends.length; next <= id; next++) depends.push(next === leaf || g.definition(next).inputs.some((input) => depends[input]));
    return depends[id];
  };
}

/** Cotangents that are given to the network at once. */
const SEED_BLOCK = 16;

function normProgram({ graph, seed, norms }: NormedSweep, outputs: number, dtype: Dtype): Program {
  return planProgram(graph, { dtype, batch: new Map([[seed, Math.min(SEED_BLOCK, outputs)]]), keep: norms.map(({ of }) => of) });
}

/** The parts of a sweep that its norms depend on. */
interface NormedSweep {
  readonly graph: Graph;
  readonly seed: ValueId;
  readonly parameters: readonly { readonly id: ValueId; readonly value: Tensor }[];
  readonly norms: readonly OutputNorm[];
}

/** Arena bytes that `outputNorms` takes, and gives back. */
export function outputNormsBytes(sweep: NormedSweep, outputs: number, dtype: Dtype, routines: Routines): number {
  if (sweep.norms.length === 0) return 0;
  const grams = sweep.norms.map(({ of, seen }) => (seen === undefined ? 0 : positionGramBytes(sweep, of, outputs, dtype, routines)));
  const images = sweep.norms.map(({ of, seen }) =>
    seen === undefined ? 0 : imageGramBytes(seen.image, sizeOf(sweep.graph.nodes[of].shape.slice(1))),
  );
  return Math.max(programBytes(normProgram(sweep, outputs, dtype), routines) + Math.max(...grams), ...images);
}

function positionGramBytes({ graph }: NormedSweep, of: ValueId, outputs: number, dtype: Dtype, routines: Routines): number {
  const [channels, ...extents] = graph.nodes[of].shape;
  const positions = sizeOf(extents);
  return positions * positions * bytesOf(dtype) + routines.gramScratchBytes(positions, channels * Math.min(SEED_BLOCK, outputs)) + 1024;
}

/** Adds D of the cotangents from the given row of values [rows, channels, …positions] on. */
function addPositionGram(rt: Runtime, sums: Float64Array, execution: Execution, of: ValueId, firstRow: number): void {
  const { graph, dtype, batch } = execution.program;
  const [channels, ...extents] = graph.nodes[of].shape;
  const positions = sizeOf(extents);
  const routines = routinesOf(rt, dtype);
  const k = (batch[of] - firstRow) * channels;
  rt.arena.frame(() => {
    const dPtr = rt.arena.allocateArray(dtype, positions * positions);
    const scratch = rt.arena.allocate(routines.gramScratchBytes(positions, k));
    const from = execution.ptr(of) + firstRow * channels * positions * bytesOf(dtype);
    routines.gram(positions, k, 1, from, 1, positions, 0, dPtr, positions, scratch);
    const d = rt.arena.view(dtype, dPtr, positions * positions);
    for (let i = 0; i < sums.length; i++) sums[i] += d[i];
  });
}

/** The values of a sweep's norms over the given output cotangents, added in their order, in f64. */
export function outputNorms(rt: Runtime, sweep: NormedSweep, seeds: readonly FloatArray[], dtype: Dtype): Float64Array[] {
  const { graph, seed, parameters, norms } = sweep;
  const squares = norms.map(({ of, seen }) => {
    const { shape } = graph.nodes[of];
    const positions = sizeOf(shape.slice(1));
    return new Float64Array(seen === undefined ? sizeOf(shape) : positions * positions);
  });
  if (norms.length === 0) return squares;
  const program = normProgram(sweep, seeds.length, dtype);
  const block = program.batch[seed];
  rt.arena.frame(() => {
    const execution = startExecution(rt, program, parameters);
    for (let first = 0; first < seeds.length; first += block) {
      // The last block ends with the last cotangent, as all are full; what the one before it has counted is left out.
      const from = Math.min(first, seeds.length - block);
      execution.bindBatch(seed, seeds.slice(from, from + block));
      execution.run(1);
      norms.forEach(({ of, seen }, index) => {
        if (seen === undefined) addSquares(squares[index], execution.view(of), first - from);
        else addPositionGram(rt, squares[index], execution, of, first - from);
      });
    }
  });
  return squares.map((sums, index) => {
    const { seen } = norms[index];
    return seen === undefined ? sums.map(Math.sqrt) : imageGram(rt, sums, seen.image, seen.window);
  });
}

/** Adds the squares of the rows of values [rows, sums.length], from the given row on. */
function addSquares(sums: Float64Array, values: FloatArray, firstRow: number): void {
  for (let start = firstRow * sums.length; start < values.length; start += sums.length) {
    for (let i = 0; i < sums.length; i++) sums[i] += values[start + i] * values[start + i];
  }
}
