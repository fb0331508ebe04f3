/** @file Matrix products: dense (shared weight), its weight gradient, and matmul (both operands per example). */

import { TangedgeError } from '../../core/errors.ts';
import { bytesOf, formatShape, sameShape, sizeOf } from '../../core/tensor.ts';
import type { ValueId } from '../graph.ts';
import { type Emitter, type Evaluation, entryOf, entryOffset, type Operand, type Primitive } from '../primitive.ts';
import { leavesZerosOut } from '../shared-zeros.ts';
import { bilinearTangent } from './arithmetic.ts';
import { reshape, transpose } from './shape.ts';

/** y[…, o] = Σ_i x[…, i]·w[o, i]: torch's Linear without bias. A weight that depends on the example becomes a matmul. */
export function dense(g: Emitter, x: ValueId, w: ValueId): ValueId {
  if (!g.isBatched(w)) return g.emit('dense', [x, w]);
  const shape = g.shapeOf(x);
  const rows = reshape(g, x, [sizeOf(shape.slice(0, -1)), shape[shape.length - 1]]);
  return reshape(g, matmul(g, rows, transpose(g, w, [1, 0])), [...shape.slice(0, -1), g.shapeOf(w)[0]]);
}

/** Per example: Σ_positions d[…, o]·x[…, i] → [o, i], the gradient of `dense` in its weight. */
export function denseWeightGradient(g: Emitter, d: ValueId, x: ValueId): ValueId {
  return g.emit('denseWeightGradient', [d, x], { sumBatch: false });
}

/** a[…, m, k]·b[…, k, n] with equal leading axes. */
export function matmul(g: Emitter, a: ValueId, b: ValueId): ValueId {
  return g.emit('matmul', [a, b]);
}

/** Last two axes exchanged. */
export function transposeMatrix(g: Emitter, x: ValueId): ValueId {
  const rank = g.shapeOf(x).length;
  const axes = Array.from({ length: rank }, (_, axis) => axis);
  return transpose(g, x, [...axes.slice(0, -2), rank - 1, rank - 2]);
}

const denseRow: Primitive = {
  name: 'dense',
  infer: ([x, w]) => {
    if (w.length !== 2 || x.length === 0 || x[x.length - 1] !== w[1]) {
      throw new TangedgeError(
        'ERR_SHAPE',
        `dense: input ${formatShape(x)} and weight ${formatShape(w)} do not chain: ${x[x.length - 1]} ≠ ${w[1]}.`,
        {
          input: [...x],
          weight: [...w],
        },
      );
    }
    return { shape: [...x.slice(0, -1), w[0]] };
  },
  evaluate: (e) => {
    const [x, w] = e.inputs;
    const [o, i] = w.shape;
    const rows = x.batch * sizeOf(x.shape.slice(0, -1));
    const groups = rowGroups(x, o);
    e.arena.frame(() => {
      if (groups > 0) {
        const scratch = e.arena.allocate(e.routines.gemmSharedZerosScratchBytes(o, i));
        e.routines.gemmSharedZeros(groups, rows / groups, o, i, x.ptr, i, groups * i, w.ptr, 1, i, e.output.ptr, o, groups * o, 0, scratch);
        return;
      }
      const scratch = e.arena.allocate(e.routines.gemmOwnZerosScratchBytes(rows, o, i));
      e.routines.gemmOwnZeros(rows, o, i, x.ptr, i, w.ptr, i, e.output.ptr, o, 0, scratch);
    });
  },
  jvp: (g, { inputs }, tangents) => bilinearTangent(g, inputs, tangents, (x, w) => dense(g, x, w)),
  vjp: (g, { inputs: [x, w] }, cotangent) => [dense(g, cotangent, transpose(g, w, [1, 0])), denseWeightGradient(g, cotangent, x)],
  flops: ([x, w]) => 2 * sizeOf(x) * w[0],
  scratchBytes: (e) => {
    const [x, w] = e.inputs;
    const [o, i] = w.shape;
    return rowGroups(x, o) > 0
      ? e.routines.gemmSharedZerosScratchBytes(o, i)
      : e.routines.gemmOwnZerosScratchBytes(x.batch * sizeOf(x.shape.slice(0, -1)), o, i);
  },
};

/** Groups of rows that are zero at the same places, when a product with o columns should leave those out; else 0. */
function rowGroups({ batch, shape, sharedZeros = 0 }: Operand, o: number): number {
  return sharedZeros > 0 && leavesZerosOut(batch / sharedZeros, o) ? sharedZeros * sizeOf(shape.slice(0, -1)) : 0;
}

const denseWeightGradientRow: Primitive = {
  name: 'denseWeightGradient',
  infer: ([d, x], attributes) => {
    if (!sameShape(d.slice(0, -1), x.slice(0, -1))) {
      throw new TangedgeError('ERR_SHAPE', `denseWeightGradient: ${formatShape(d)} and ${formatShape(x)} differ in their positions.`, {
        cotangent: [...d],
        input: [...x],
      });
    }
    return { shape: [d[d.length - 1], x[x.length - 1]], ...(attributes.sumBatch ? { batched: false } : {}) };
  },
  evaluate: (e) => (e.attributes.sumBatch ? sumOfOuterProducts(e) : outerProductsPerExample(e)),
  jvp: (g, { inputs, attributes }, tangents) => bilinearTangent(g, inputs, tangents, (d, x) => g.emit('denseWeightGradient', [d, x], attributes)),
  vjp: (g, { inputs: [d, x] }, cotangent) => [dense(g, x, cotangent), dense(g, d, transpose(g, cotangent, [1, 0]))],
  flops: ([d, x]) => 2 * sizeOf(d) * x[x.length - 1],
  spacesEntries: true,
  scratchBytes: (e) => {
    const [d, x] = e.inputs;
    return e.routines.gemmScratchBytes(d.shape[d.shape.length - 1], x.shape[x.shape.length - 1], d.batch * sizeOf(d.shape.slice(0, -1)));
  },
};

/** [o, i] = Σ over examples and positions of d xᵀ: one product when every example has its own d and x. */
function sumOfOuterProducts(e: Evaluation): void {
  const [d, x] = e.inputs;
  const o = d.shape[d.shape.length - 1];
  const i = x.shape[x.shape.length - 1];
  const positions = sizeOf(d.shape.slice(0, -1));
  const batch = Math.max(d.batch, x.batch);
  const together = d.batch === x.batch;
  const blocks = together ? 1 : batch;
  const k = together ? batch * positions : positions;
  const bytes = bytesOf(e.dtype);
  e.arena.frame(() => {
    const scratch = e.arena.allocate(e.routines.gemmScratchBytes(o, i, k));
    for (let b = 0; b < blocks; b++) {
      const dPtr = d.ptr + (b % d.batch) * positions * o * bytes;
      const xPtr = x.ptr + (b % x.batch) * positions * i * bytes;
      e.routines.gemm(o, i, k, 1, dPtr, 1, o, xPtr, i, 1, b === 0 ? 0 : 1, e.output.ptr, i, 1, scratch);
    }
  });
}

/** [batch, o, i]: Jacobian assembly. */
function outerProductsPerExample(e: Evaluation): void {
  const [d, x] = e.inputs;
  const o = d.shape[d.shape.length - 1];
  const i = x.shape[x.shape.length - 1];
  const positions = sizeOf(d.shape.slice(0, -1));
  const { batch, spacing } = e.output;
  const bytes = bytesOf(e.dtype);
  // d repeats when x has more examples, and x when d has: rows run over the smaller of the two.
  const block = d.each > 1 || x.each > 1 ? 1 : Math.min(d.batch, x.batch, spacing?.run ?? batch);
  const step = spacing?.step ?? o * i;
  for (let b = 0; b < batch; b += block) {
    const dPtr = d.ptr + entryOf(d, b) * positions * o * bytes;
    const xPtr = x.ptr + entryOf(x, b) * positions * i * bytes;
    e.routines.jacobianRows(block, 1, positions, o, i, 0, o, dPtr, xPtr, e.output.ptr + entryOffset(e.output, b) * bytes, step);
  }
}

const matmulRow: Primitive = {
  name: 'matmul',
  infer: ([a, b]) => {
    const rank = a.length;
    const leads = rank >= 2 && b.length === rank && a.slice(0, -2).every((extent, axis) => extent === b[axis]);
    if (!leads || a[rank - 1] !== b[rank - 2]) {
      throw new TangedgeError('ERR_SHAPE', `matmul: ${formatShape(a)} and ${formatShape(b)} do not chain.`, { a: [...a], b: [...b] });
    }
    return { shape: [...a.slice(0, -1), b[rank - 1]] };
  },
  evaluate: (e) => {
    const [a, b] = e.inputs;
    const [m, k] = a.shape.slice(-2);
    const n = b.shape[b.shape.length - 1];
    const leading = sizeOf(a.shape.slice(0, -2));
    e.arena.frame(() => {
      const scratch = e.arena.allocate(e.routines.gemmScratchBytes(m, n, k));
      const batch = e.output.batch;
      e.routines.gemmBatch(batch, leading, m, n, k, a.ptr, a.batch, a.each, m * k, k, 1, b.ptr, b.batch, b.each, k * n, n, 1, e.output.ptr, scratch);
    });
  },
  jvp: (g, { inputs }, tangents) => bilinearTangent(g, inputs, tangents, (a, b) => matmul(g, a, b)),
  vjp: (g, { inputs: [a, b] }, cotangent) => [matmul(g, cotangent, transposeMatrix(g, b)), matmul(g, transposeMatrix(g, a), cotangent)],
  flops: ([a, b]) => 2 * sizeOf(a) * b[b.length - 1],
  scratchBytes: (e) => {
    const [a, b] = e.inputs;
    const [m, k] = a.shape.slice(-2);
    return e.routines.gemmScratchBytes(m, b.shape[b.shape.length - 1], k);
  },
};

export const contractionPrimitives: readonly Primitive[] = [denseRow, denseWeightGradientRow, matmulRow];
