/** @file The cost model: flops and bytes of every way to contract a site, and of every NTK implementation. */

import { sizeOf } from '../core/tensor.ts';
import { lowerProductFlops } from '../graph/image-gram.ts';
import type { Site } from '../graph/sites.ts';
import type { Contraction, OutputForm } from '../graph/sweep.ts';
import type { FactorGroup } from './block-layout.ts';

/** The kernel's shape, over the whole problem (never a tile: the choice must not depend on tiles). */
export interface Problem {
  readonly n1: number;
  readonly n2: number;
  /** Whether x2 is x1: half the pairs. */
  readonly symmetric: boolean;
  /** Cotangents swept: c, or 1 for the pseudo-NTK. */
  readonly outputs: number;
  /** Whether every pair of outputs is wanted (`full`) or only equal ones. */
  readonly crossOutputs: boolean;
}

export interface SiteCost {
  readonly flops: number;
  /** Elements stored per example. */
  readonly elements: number;
}

/** Pairs of examples that are computed. */
export function pairs({ n1, n2, symmetric }: Problem): number {
  return symmetric ? (n1 * (n1 + 1)) / 2 : n1 * n2;
}

// A Hadamard accumulation reads two matrices once: about as long as this many multiply-adds of a product per entry.
const HADAMARD_FLOPS = 12;

/**
 * Cost of one site's share of the kernel.
 *
 * `gram`: per pair of examples, S²·I for a·a′, S²·O·H for δ·δ′ (O² outputs: S²·O²·H), and the Hadamard sum.
 * `rows`: per example, O·S·I·H to assemble; per pair, O·I·H (O²·I·H) to contract.
 * `images`: once, S²·O·H for D and half of S² sums per tap for L; per example, half of C·(H·W)² for L·x; per pair, 2·C·H·W.
 * O = 1 where the cotangents are summed over the outputs, O² = O(O + 1)/2 in `gram` where they may be exchanged; an eighth of
 * that where units switch them off, which multiplies nothing and adds a quarter of the terms.
 */
export function siteCost(site: Site, contraction: Contraction, problem: Problem, form: OutputForm): SiteCost {
  const { positions: s, inputWidth: i, cotangentWidth: h, groups } = site;
  const { crossOutputs } = problem;
  const o = form === 'summed' ? 1 : problem.outputs;
  const outputPairs = crossOutputs ? o * o : o;
  const examples = problem.symmetric ? problem.n1 : problem.n1 + problem.n2;
  const size = site.kind === 'whole' ? h : i * h;
  if (contraction === 'images') {
    const [channels, ...image] = site.image as readonly number[];
    const pixels = sizeOf(image);
    const matrix = s * s * (o * h + (HADAMARD_FLOPS * i) / (2 * channels));
    const flops = matrix + examples * channels * lowerProductFlops(pixels) + pairs(problem) * 4 * channels * pixels;
    return { flops, elements: 2 * channels * pixels };
  }
  if (contraction === 'rows') {
    const assembly = site.kind === 'whole' ? o * h : 2 * o * s * i * h;
    return { flops: examples * assembly + pairs(problem) * 2 * outputPairs * size, elements: o * size };
  }
  const products = productsPerPair(form, o, outputPairs);
  const perPair = s * s * (groups * 2 * i + 2 * products * h + groups * HADAMARD_FLOPS * (crossOutputs ? o * o : 1));
  return { flops: pairs(problem) * perPair, elements: s * (groups * i + o * h) };
}

/** Products of two examples' cotangents of a site, in multiply-adds per unit. */
function productsPerPair(form: OutputForm, o: number, outputPairs: number): number {
  if (form === 'switched') return (o * (o + 1)) / 16;
  return form === 'exchangeable' ? (o * (o + 1)) / 2 : outputPairs;
}

/** The cheapest contraction of a site by flops; `gram` on a tie, and always `rows` for a whole gradient. */
export function cheapestContraction(site: Site, problem: Problem, form: OutputForm): Contraction {
  return least(site, form, (contraction) => siteCost(site, contraction, problem, form).flops);
}

/** The contraction of a site that stores the fewest elements per example. */
export function smallestContraction(site: Site, problem: Problem, form: OutputForm): Contraction {
  return least(site, form, (contraction) => siteCost(site, contraction, problem, form).elements);
}

/** Positions of an image up to which its matrix L is made: 8 MB of f64. */
const MOST_PIXELS = 1024;

function least(site: Site, form: OutputForm, costOf: (contraction: Contraction) => number): Contraction {
  if (site.kind === 'whole') return 'rows';
  const images = form === 'fixed' && sizeOf((site.image as readonly number[]).slice(1)) <= MOST_PIXELS;
  const contractions: Contraction[] = images ? ['gram', 'rows', 'images'] : ['gram', 'rows'];
  return contractions.reduce((best, other) => (costOf(other) < costOf(best) ? other : best));
}

/** Flops of contracting one group of factors over the whole problem: the Gram of its shared cotangents, once. */
export function groupFlops({ right, members }: FactorGroup, problem: Problem): number {
  const { outputs: o, crossOutputs } = problem;
  const outputPairs = productsPerPair(right.outputs, o, crossOutputs ? o * o : right.copies);
  const positionPairs = right.positions * right.positions;
  const lefts = members.reduce((total, { left }) => total + (left === null ? 0 : 2 * left.width), 0);
  const hadamard = members.length * HADAMARD_FLOPS * (crossOutputs ? o * o : 1);
  return pairs(problem) * positionPairs * (2 * outputPairs * right.width + lefts + hadamard);
}
