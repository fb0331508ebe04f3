/** @file The two sweeps: forward, then backward per output, leaving each site's factors in memory. */

import { type Dtype, type FloatArray, sizeOf, type Tensor } from '../core/tensor.ts';
import type { Runtime } from '../wasm/runtime.ts';
import { GraphBuilder } from './builder.ts';
import { vjp } from './differentiate.ts';
import { gatherExampleFactors } from './example-factors.ts';
import { Execution } from './execution.ts';
import type { Graph, ValueId } from './graph.ts';
import { lowerProduct } from './image-gram.ts';
import { LastOfGraph } from './last-of-graph.ts';
import { type Model, trainableParameters } from './model.ts';
import { affine, broadcast, concat, denseWeightGradient, oneHot, patches, reshape, slice, sum, transpose } from './primitives/table.ts';
import type { Window } from './primitives/window.ts';
import { type Program, type ProgramOptions, planProgram } from './program.ts';
import { type OutputNorm, SeparableCotangents } from './separation.ts';
import { leavesZerosOut, zerosOf } from './shared-zeros.ts';
import { type Site, sitesOf } from './sites.ts';

/**
 * How a site's gradient is kept: `gram` as the pair (a, δ), `rows` whole, as rows of the Jacobian; `images`, not at all, but as the images x
 * and L·x whose products are the kernel (image-gram.ts), for convolutions with `fixed` cotangents.
 */
export type Contraction = 'gram' | 'rows' | 'images';

/**
 * What the outputs' cotangents of a site are: `each` its own; `summed`, one whose products are the sums of theirs;
 * `exchangeable`, each its own, with δ[n, o]·δ[m, q] = δ[n, q]·δ[m, o]; `switched`, such ones that are the same for all examples but for
 * units that are off; `fixed`, the same for all examples.
 */
export type OutputForm = 'each' | 'summed' | 'exchangeable' | 'switched' | 'fixed';

/** What a kernel asks for where cotangents are separable. */
export type WantedForm = Exclude<OutputForm, 'switched' | 'fixed'>;

/** Whether one entry per example stands for those of all outputs. */
export function isOnePerExample(form: OutputForm): boolean {
  return form === 'summed' || form === 'switched' || form === 'fixed';
}

/** What the sweeps leave for one parameter, or for one group of a grouped convolution's kernel. */
export interface Factor {
  readonly parameter: string;
  /** Of the parameter among the trainable ones. */
  readonly index: number;
  readonly site: Site;
  readonly contraction: Contraction;
  /** a [n, positions, inputWidth], stage 1; null for `rows`. */
  readonly left: ValueId | null;
  /**
   * δ [outputs·n, positions, width], stage 3; the gradient itself, with one position, for `rows`. Outputs vary slowest.
   * With outputs `summed`, [n, positions, width], stage 1: its products are the outputs' products, summed. So with `images`, L·x, and
   * with `switched`, 1 where a unit is on, else 0.
   */
  readonly right: ValueId;
  /** Of `switched`, the cotangents where units are on, [outputs, width], stage 2. */
  readonly output?: ValueId;
  /** x of `images`: the kernel is x·right + right·x. */
  readonly partner?: ValueId;
  readonly outputs: OutputForm;
  readonly positions: number;
  readonly leftWidth: number;
  readonly rightWidth: number;
  /** The gradient is `scale`·Σ δ aᵀ (already in the rows). */
  readonly scale: number;
}

/** The graph of both sweeps. Plain data. */
export interface Sweep {
  readonly graph: Graph;
  readonly input: ValueId;
  readonly output: ValueId;
  /** The leaf of the output's cotangent, [c]. */
  readonly seed: ValueId;
  readonly parameters: readonly { readonly name: string; readonly id: ValueId; readonly value: Tensor }[];
  readonly factors: readonly Factor[];
  /** Leaves to bind to `outputNorms` where factors sum over the outputs. */
  readonly norms: readonly OutputNorm[];
}

/**
 * Builds the sweeps for the trainable parameters of a model; `choose` says how each site's gradient is kept (whole
 * gradients are always rows). The backward sweep stops at the first site's pre-activation. `outputs` says what separable
 * cotangents become: `summed` in kernels summed over the outputs, `exchangeable`, or `switched`, in those of all pairs of outputs.
 */
export function buildSweep(
  model: Model,
  choose: (site: Site, outputs: OutputForm) => Contraction,
  { outputs = 'each' }: { readonly outputs?: WantedForm } = {},
): Sweep {
  const trainable = trainableParameters(model);
  const sites = sitesOf(
    model.graph,
    trainable.map(({ id }) => id),
  );
  const wrt = [
    ...new Set(sites.flatMap(({ kind, parameter, uses }) => [...(kind === 'dense' ? [] : [parameter]), ...uses.map((use) => use.preactivation)])),
  ];
  const derived = vjp(model.graph, wrt, { shared: 'per-example' });
  const [seed] = derived.seeds;
  const g = new GraphBuilder(derived.graph);
  const results = new Map(wrt.map((id, index) => [id, derived.results[index]]));
  const cotangentOf = (id: ValueId): ValueId => {
    const result = results.get(id);
    // A parameter that no output depends on has a zero gradient, one per example and output like any other.
    return result ?? broadcast(g, affine(g, sum(g, seed, [0]), 0, 0), g.shapeOf(id));
  };
  const separable = new SeparableCotangents(g, model.input.id, seed);
  // Half of the terms left out is less than half of the pairs of outputs.
  const outputCount = sizeOf(g.shapeOf(seed));
  const leavesOut = (id: ValueId) => leavesZerosOut(outputCount, sizeOf(g.shapeOf(id))) && zerosOf((value) => g.definition(value), id) !== null;
  const formOf = (site: Site, contraction: Contraction): OutputForm => {
    const { id, positionAxes } = keptCotangent(g, site, contraction);
    if (outputs === 'each' || id === null) return 'each';
    const cotangent = cotangentOf(id);
    const isImage = site.kind === 'conv2d' && site.groups === 1 && contraction !== 'rows';
    if (outputs === 'summed' && isImage && separable.isFixed(cotangent) && !separable.separates(cotangent, positionAxes)) return 'fixed';
    if (outputs === 'summed') return separable.separates(cotangent, positionAxes) ? 'summed' : 'each';
    if (site.positions > 1 || !separable.exchanges(cotangent, positionAxes)) return 'each';
    if (!leavesOut(cotangent)) return 'exchangeable';
    // Rows are gradients: cotangents only where nothing multiplies the parameter.
    const areCotangents = contraction === (site.kind === 'dense' ? 'gram' : 'rows');
    return areCotangents && outputCount <= MOST_SWITCHED && separable.switches(cotangent) ? 'switched' : 'each';
  };
  const found = sites.flatMap((site, index): Factor[] => {
    const known = formOf(site, 'gram');
    const contraction = site.kind === 'whole' ? 'rows' : choose(site, known);
    const contracted = contraction === 'gram' ? known : formOf(site, contraction);
    const form = contracted === 'fixed' && contraction !== 'images' ? 'each' : contracted;
    const partsOf = (cotangent: (id: ValueId) => ValueId): Parts[] =>
      contraction === 'rows'
        ? [rowParts(g, site, cotangent)]
        : contraction === 'images'
          ? [imageParts(g, site, separable, cotangentOf(site.uses[0].preactivation))]
          : Array.from({ length: site.groups }, (_, group) => factoredParts(g, site, cotangent, group));
    const partsOfForm = () => {
      if (form === 'summed') return partsOf((id) => separable.sumOverOutputs(cotangentOf(id)));
      if (form !== 'switched') return partsOf(cotangentOf);
      const [{ right }] = partsOf((id) => separable.parts(cotangentOf(id)).output);
      return partsOf((id) => separable.parts(cotangentOf(id)).example).map((part) => ({ ...part, output: right }));
    };
    return partsOfForm().map((part) => ({ parameter: trainable[index].name, index, site, contraction, outputs: form, ...part }));
  });
  const rights = gatherExampleFactors(
    g,
    model.input.id,
    seed,
    found.map(({ right }) => right),
  );
  const factors = found.map((factor, index) => ({ ...factor, right: rights[index] }));
  const kept = factors.flatMap(({ left, right, partner, output }) => [left, partner, output, right].filter((id) => typeof id === 'number'));
  return {
    graph: g.build([...new Set(kept)]),
    input: model.input.id,
    output: model.output.id,
    seed,
    parameters: model.parameters,
    factors,
    norms: separable.norms,
  };
}

/** Outputs up to which it pays: the products of all pairs of them are made anew for every pair of sub-blocks of examples. */
const MOST_SWITCHED = 64;

/** Whether the sweep itself forms the gradient, instead of stopping at the pre-activations. */
function isWhole(site: Site, contraction: Contraction): boolean {
  return contraction === 'rows' && site.kind !== 'dense';
}

/**
 * The value whose cotangents a site keeps, the parameter or the pre-activation of its only use, null of several uses; and the
 * axes of it along which the site's sum over positions runs.
 */
function keptCotangent(g: GraphBuilder, site: Site, contraction: Contraction): { id: ValueId | null; positionAxes: readonly number[] } {
  if (site.kind === 'whole' || isWhole(site, contraction)) return { id: site.parameter, positionAxes: [] };
  if (site.uses.length !== 1) return { id: null, positionAxes: [] };
  const id = site.uses[0].preactivation;
  // [positions…, width] of dense weights and tables, [width, positions…] of convolutions.
  const axes = g.shapeOf(id).map((_, axis) => axis);
  return { id, positionAxes: site.kind === 'conv2d' ? axes.slice(1) : axes.slice(0, -1) };
}

type Parts = Pick<Factor, 'left' | 'right' | 'partner' | 'output' | 'positions' | 'leftWidth' | 'rightWidth' | 'scale'>;

function imageParts(g: GraphBuilder, site: Site, separable: SeparableCotangents, cotangent: ValueId): Parts {
  const [channels, ...image] = site.image as readonly number[];
  const size = channels * sizeOf(image);
  const x = reshape(g, site.uses[0].input, [channels, sizeOf(image)]);
  const seen = lowerProduct(g, x, separable.imageGram(cotangent, site.window as Window, image));
  const right = reshape(g, affine(g, seen, site.scale * site.scale, 0), [1, size]);
  return { left: null, right, partner: reshape(g, x, [1, size]), positions: 1, leftWidth: 0, rightWidth: size, scale: 1 };
}

/** Rows of the Jacobian: of a dense weight from its factors, all uses in one product; of anything else from the sweep. */
function rowParts(g: GraphBuilder, site: Site, cotangentOf: (id: ValueId) => ValueId): Parts {
  const size = sizeOf(g.shapeOf(site.parameter));
  const rows = site.kind === 'dense' ? denseRows(g, factoredParts(g, site, cotangentOf, 0)) : cotangentOf(site.parameter);
  return { left: null, right: reshape(g, rows, [1, size]), positions: 1, leftWidth: 0, rightWidth: size, scale: 1 };
}

function denseRows(g: GraphBuilder, { left, right, scale }: Parts): ValueId {
  return denseWeightGradient(g, affine(g, right, scale, 0), left as ValueId);
}

function factoredParts(g: GraphBuilder, site: Site, cotangentOf: (id: ValueId) => ValueId, group: number): Parts {
  const { inputWidth, positions, scale, window, groups } = site;
  const cotangentWidth = site.cotangentWidth / groups;
  const lefts = site.uses.map(({ input }) => {
    if (window) return patches(g, channelsOf(g, input, group, groups), window);
    return rowsOf(g, site.kind === 'gather' ? oneHot(g, input, inputWidth) : input, inputWidth);
  });
  const rights = site.uses.map(({ preactivation }) => {
    const cotangent = cotangentOf(preactivation);
    if (!window) return rowsOf(g, cotangent, cotangentWidth);
    return transpose(g, reshape(g, channelsOf(g, cotangent, group, groups), [cotangentWidth, positions]), [1, 0]);
  });
  return {
    left: concat(g, lefts, 0),
    right: concat(g, rights, 0),
    positions,
    leftWidth: inputWidth,
    rightWidth: cotangentWidth,
    scale,
  };
}

/** The channels of one group of an image. */
function channelsOf(g: GraphBuilder, x: ValueId, group: number, groups: number): ValueId {
  const [channels, ...size] = g.shapeOf(x);
  const each = channels / groups;
  return slice(g, x, [group * each, 0, 0], [(group + 1) * each, ...size]);
}

function rowsOf(g: GraphBuilder, x: ValueId, width: number): ValueId {
  return reshape(g, x, [sizeOf(g.shapeOf(x)) / width, width]);
}

/**
 * Plans the sweeps for `n` examples and blocks of `outputs` cotangents, given once for all examples: what depends on a
 * cotangent but on no example is computed once, and has `outputs` entries of n examples each.
 */
export function planSweep(
  { graph, input, seed }: Sweep,
  n: number,
  outputs: number,
  dtype: Dtype,
  { keep = graph.outputs, placeable }: Pick<ProgramOptions, 'keep' | 'placeable'> = {},
): Program {
  return lastPrograms.get(graph, JSON.stringify([input, seed, n, outputs, dtype, keep, placeable]), () =>
    planProgram(graph, {
      dtype,
      batch: new Map([
        [input, n],
        [seed, outputs],
      ]),
      each: new Map([[seed, n]]),
      late: new Set([seed]),
      keep,
      placeable,
    }),
  );
}

const lastPrograms = new LastOfGraph<Program>();

/** Whether a cotangent has one entry for all examples of the sweep, because none changed it. */
export function isForAllExamples({ each, batch }: Program, id: ValueId): boolean {
  return each[id] > 1 || batch[id] === 1;
}

/** Puts the parameters and the norms in place and evaluates what depends on them alone. */
export function startSweep(rt: Runtime, sweep: Sweep, program: Program, norms: readonly FloatArray[] = []): Execution {
  const execution = new Execution(rt, program);
  for (const { id, value } of sweep.parameters) execution.bind(id, value.data);
  sweep.norms.forEach(({ leaf }, index) => void execution.bind(leaf, norms[index]));
  execution.run(0);
  return execution;
}

/** Examples start … start + count of x, filled up to `block` examples with the first of them: computed, never read. */
export function paddedBlock(x: FloatArray, start: number, count: number, block: number, size: number): FloatArray {
  const examples = x.subarray(start * size, (start + count) * size);
  if (count === block) return examples;
  const padded = new Float64Array(block * size);
  padded.set(examples);
  for (let i = count; i < block; i++) padded.copyWithin(i * size, 0, size);
  return padded;
}

/** Forward sweep over one block of examples. */
export function sweepForward(execution: Execution, sweep: Sweep, x: FloatArray): void {
  execution.bind(sweep.input, x);
  execution.run(1);
}

/** Gives a block of output cotangents, each [c] and for all examples, and evaluates what depends on no example. */
export function giveCotangents(execution: Execution, seed: ValueId, cotangents: readonly FloatArray[]): void {
  execution.bindBatch(seed, cotangents);
  execution.run(2);
}

/** Backward sweep for the cotangents given last: batch entry k·n + i of the result belongs to cotangent k and example i. */
export function sweepBackward(execution: Execution): void {
  execution.run(3);
}

/** The unit cotangents e_first … e_(last−1) of [c]. */
export function unitSeeds(c: number, first: number, last: number): Float64Array[] {
  return Array.from({ length: last - first }, (_, k) => {
    const seed = new Float64Array(c);
    seed[first + k] = 1;
    return seed;
  });
}
