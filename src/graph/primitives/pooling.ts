/** @file Max and average pooling over [channels, height, width]. */

import { TangedgeError } from '../../core/errors.ts';
import { bytesOf, formatShape, sameShape, sizeOf } from '../../core/tensor.ts';
import type { Attributes, ValueId } from '../graph.ts';
import { type Emitter, type Evaluation, entryOf, listAttribute, type Operand, type Primitive } from '../primitive.ts';
import { reshape, transpose } from './shape.ts';
import { checkImage, type Window, windowArguments, windowAttributes, windowOf, windowOutput } from './window.ts';

/** Largest value of every window; padding counts as −∞; of equal values the first in row-major order is differentiated. */
export function maxPool(g: Emitter, x: ValueId, window: Window): ValueId {
  return g.emit('maxPool', [x], windowAttributes(window));
}

/** Mean of every window; with `countIncludePad` padding counts as zeros, otherwise it is not counted. */
export function avgPool(g: Emitter, x: ValueId, window: Omit<Window, 'dilation'>, countIncludePad: boolean): ValueId {
  const [, h, w] = checkImage('avgPool', g.shapeOf(x));
  return g.emit('avgPool', [x], { ...windowAttributes({ ...window, dilation: [1, 1] }), countIncludePad, plane: [h, w] });
}

/** Largest value over the given axes, which disappear: a max-pool whose window is all of them. */
export function max(g: Emitter, x: ValueId, axes: readonly number[]): ValueId {
  const shape = g.shapeOf(x);
  const kept = shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
  const reduced = shape.map((_, axis) => axis).filter((axis) => axes.includes(axis));
  const count = sizeOf(reduced.map((axis) => shape[axis]));
  const keptShape = kept.map((axis) => shape[axis]);
  const rows = reshape(g, transpose(g, x, [...kept, ...reduced]), [sizeOf(keptShape), 1, count]);
  const window = { kernel: [1, count], strides: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1] };
  return reshape(g, maxPool(g, rows, window), keptShape);
}

function inferPooled(operation: string) {
  return ([x]: readonly (readonly number[])[], attributes: Attributes) => {
    const [c, h, w] = checkImage(operation, x);
    return { shape: [c, ...windowOutput(operation, [h, w], windowOf(attributes))] };
  };
}

/** Throws unless d is what pooling a plane gives. */
function checkPooled(operation: string, d: readonly number[], plane: readonly number[], attributes: Attributes): void {
  const expected = windowOutput(operation, plane, windowOf(attributes));
  if (!sameShape(d.slice(1), expected)) {
    throw new TangedgeError(
      'ERR_SHAPE',
      `${operation}: the cotangent is ${formatShape(d)}, pooling ${formatShape(plane)} gives ${formatShape([d[0], ...expected])}.`,
      {
        shape: [...d],
        expected: [d[0], ...expected],
      },
    );
  }
}

function callMaxPool(e: Evaluation, name: 'maxPoolSelect' | 'maxPoolScatter', x: Operand, t: Operand): void {
  const [c, h, w] = x.shape;
  const [, oh, ow] = name === 'maxPoolSelect' ? e.output.shape : t.shape;
  const bytes = bytesOf(e.dtype);
  // The routine repeats the images of x; when t has fewer entries it repeats too, a block at a time.
  const together = t.batch === e.output.batch && x.each === 1;
  const block = together ? e.output.batch : t.each > 1 || x.each > 1 ? 1 : Math.min(t.batch, x.batch);
  const xEntries = together ? x.batch : block;
  for (let b = 0; b < e.output.batch; b += block) {
    e.routines[name](
      block * c,
      xEntries * c,
      h,
      w,
      ...windowArguments(windowOf(e.attributes)),
      oh,
      ow,
      x.ptr + entryOf(x, b) * sizeOf(x.shape) * bytes,
      t.ptr + entryOf(t, b) * sizeOf(t.shape) * bytes,
      e.output.ptr + b * sizeOf(e.output.shape) * bytes,
    );
  }
}

const select = (g: Emitter, x: ValueId, t: ValueId, attributes: Attributes) => g.emit('maxPoolSelect', [x, t], attributes);
const scatter = (g: Emitter, x: ValueId, d: ValueId, attributes: Attributes) => g.emit('maxPoolScatter', [x, d], attributes);
const windowFlops = (output: readonly number[], attributes: Attributes) => sizeOf(output) * sizeOf(windowOf(attributes).kernel);

const maxPoolRow: Primitive = {
  name: 'maxPool',
  infer: inferPooled('maxPool'),
  evaluate: (e) => callMaxPool(e, 'maxPoolSelect', e.inputs[0], e.inputs[0]),
  jvp: (g, { inputs: [x], attributes }, [tangent]) => (tangent === null ? null : select(g, x, tangent, attributes)),
  vjp: (g, { inputs: [x], attributes }, cotangent) => [scatter(g, x, cotangent, attributes)],
  flops: (_, output, attributes) => windowFlops(output, attributes),
};

/** t at the position of x's maximum: linear in t, piecewise constant in x. */
const maxPoolSelectRow: Primitive = {
  name: 'maxPoolSelect',
  infer: inferPooled('maxPoolSelect'),
  evaluate: (e) => callMaxPool(e, 'maxPoolSelect', e.inputs[0], e.inputs[1]),
  jvp: (g, { inputs: [x], attributes }, [, tt]) => (tt === null ? null : select(g, x, tt, attributes)),
  vjp: (g, { inputs: [x], attributes }, cotangent) => [null, scatter(g, x, cotangent, attributes)],
  flops: (_, output, attributes) => windowFlops(output, attributes),
};

const maxPoolScatterRow: Primitive = {
  name: 'maxPoolScatter',
  infer: ([x, d], attributes) => {
    checkPooled('maxPoolScatter', d, x.slice(1), attributes);
    return { shape: x };
  },
  evaluate: (e) => callMaxPool(e, 'maxPoolScatter', e.inputs[0], e.inputs[1]),
  jvp: (g, { inputs: [x], attributes }, [, td]) => (td === null ? null : scatter(g, x, td, attributes)),
  vjp: (g, { inputs: [x], attributes }, cotangent) => [null, select(g, x, cotangent, attributes)],
  flops: ([, d], _, attributes) => windowFlops(d, attributes),
};

function callAvgPool(e: Evaluation, name: 'avgPool' | 'avgPoolTranspose', plane: readonly number[], pooled: readonly number[]): void {
  const { kernel, strides, padding } = windowOf(e.attributes);
  const planes = e.output.batch * e.output.shape[0];
  const count = e.attributes.countIncludePad ? 1 : 0;
  e.routines[name](
    planes,
    plane[0],
    plane[1],
    kernel[0],
    kernel[1],
    strides[0],
    strides[1],
    padding[0],
    padding[1],
    pooled[1],
    pooled[2],
    count,
    e.inputs[0].ptr,
    e.output.ptr,
  );
}

const avgPoolRow: Primitive = {
  name: 'avgPool',
  infer: inferPooled('avgPool'),
  evaluate: (e) => callAvgPool(e, 'avgPool', e.inputs[0].shape.slice(1), e.output.shape),
  jvp: (g, { attributes }, [tangent]) => (tangent === null ? null : g.emit('avgPool', [tangent], attributes)),
  vjp: (g, { attributes }, cotangent) => [g.emit('avgPoolTranspose', [cotangent], attributes)],
  flops: (_, output, attributes) => windowFlops(output, attributes),
};

const avgPoolTransposeRow: Primitive = {
  name: 'avgPoolTranspose',
  infer: ([d], attributes) => {
    const plane = listAttribute(attributes, 'plane');
    checkPooled('avgPoolTranspose', d, plane, attributes);
    return { shape: [d[0], ...plane] };
  },
  evaluate: (e) => callAvgPool(e, 'avgPoolTranspose', e.output.shape.slice(1), e.inputs[0].shape),
  jvp: (g, { attributes }, [tangent]) => (tangent === null ? null : g.emit('avgPoolTranspose', [tangent], attributes)),
  vjp: (g, { attributes }, cotangent) => [g.emit('avgPool', [cotangent], attributes)],
  flops: ([d], _, attributes) => windowFlops(d, attributes),
};

export const poolingPrimitives: readonly Primitive[] = [maxPoolRow, maxPoolSelectRow, maxPoolScatterRow, avgPoolRow, avgPoolTransposeRow];
