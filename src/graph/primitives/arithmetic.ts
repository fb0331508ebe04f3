/** @file add, sub, mul, div, gate, select: element by element, with numpy broadcasting. */

import { TangedgeError } from '../../core/errors.ts';
import { formatShape, sizeOf } from '../../core/tensor.ts';
import type { ValueId } from '../graph.ts';
import { type Emitter, type Evaluation, numberAttribute, type Primitive } from '../primitive.ts';
import { affine } from './affine.ts';
import { broadcastShape, sumTo } from './reduction.ts';
import { broadcastInputs } from './strided.ts';

export function add(g: Emitter, a: ValueId, b: ValueId): ValueId {
  return g.emit('add', [a, b]);
}

export function sub(g: Emitter, a: ValueId, b: ValueId): ValueId {
  return g.emit('sub', [a, b]);
}

export function mul(g: Emitter, a: ValueId, b: ValueId): ValueId {
  return g.emit('mul', [a, b]);
}

export function div(g: Emitter, a: ValueId, b: ValueId): ValueId {
  return g.emit('div', [a, b]);
}

/** condition > 0 ? b : slope·b, the derivative of (leaky) ReLU applied to b. */
export function gate(g: Emitter, condition: ValueId, b: ValueId, slope = 0): ValueId {
  return g.emit('gate', [condition, b], { slope });
}

/** condition > 0 ? b : c. */
export function select(g: Emitter, condition: ValueId, b: ValueId, c: ValueId): ValueId {
  return g.emit('select', [condition, b, c]);
}

/** The tangent of a function linear in each of two operands: f(ta, b) + f(a, tb), where null stands for zero. */
export function bilinearTangent(
  g: Emitter,
  [a, b]: readonly ValueId[],
  [ta, tb]: readonly (ValueId | null)[],
  f: (a: ValueId, b: ValueId) => ValueId,
): ValueId | null {
  const left = ta === null ? null : f(ta, b);
  const right = tb === null ? null : f(a, tb);
  return left !== null && right !== null ? add(g, left, right) : (left ?? right);
}

function inferBroadcast(name: string, shapes: readonly (readonly number[])[]): { shape: number[] } {
  let shape: number[] = [];
  for (const operand of shapes) {
    const common = broadcastShape(shape, operand);
    if (common === null) {
      throw new TangedgeError('ERR_SHAPE', `${name}: shapes ${shapes.map(formatShape).join(' and ')} do not broadcast: extents must be equal or 1.`, {
        shapes: shapes.map((s) => [...s]),
      });
    }
    shape = common;
  }
  return { shape };
}

function evaluateBinary(name: 'add' | 'sub' | 'mul' | 'div') {
  return (e: Evaluation): void => {
    const [a, b] = e.inputs;
    e.arena.frame(() => e.routines[name](broadcastInputs(e), a.ptr, b.ptr, e.output.ptr));
  };
}

/** A tangent of an operand, repeated to the output's shape: needed when it stands alone. */
function spread(g: Emitter, output: ValueId, tangent: ValueId): ValueId {
  const shape = g.shapeOf(output);
  return g.shapeOf(tangent).length === shape.length && g.shapeOf(tangent).every((extent, i) => extent === shape[i])
    ? tangent
    : g.emit('broadcast', [tangent], { shape });
}

const addRow: Primitive = {
  name: 'add',
  infer: (shapes) => inferBroadcast('add', shapes),
  evaluate: evaluateBinary('add'),
  jvp: (g, node, [ta, tb]) => {
    if (ta !== null && tb !== null) return add(g, ta, tb);
    const tangent = ta ?? tb;
    return tangent === null ? null : spread(g, node.id, tangent);
  },
  vjp: (g, node, cotangent) => node.inputs.map((input) => sumTo(g, cotangent, g.shapeOf(input))),
  flops: (_, output) => sizeOf(output),
};

const subRow: Primitive = {
  name: 'sub',
  infer: (shapes) => inferBroadcast('sub', shapes),
  evaluate: evaluateBinary('sub'),
  jvp: (g, node, [ta, tb]) => {
    if (ta !== null && tb !== null) return sub(g, ta, tb);
    if (ta !== null) return spread(g, node.id, ta);
    return tb === null ? null : affine(g, spread(g, node.id, tb), -1, 0);
  },
  vjp: (g, { inputs: [a, b] }, cotangent) => [sumTo(g, cotangent, g.shapeOf(a)), affine(g, sumTo(g, cotangent, g.shapeOf(b)), -1, 0)],
  flops: (_, output) => sizeOf(output),
};

const mulRow: Primitive = {
  name: 'mul',
  infer: (shapes) => inferBroadcast('mul', shapes),
  evaluate: evaluateBinary('mul'),
  jvp: (g, { inputs }, tangents) => bilinearTangent(g, inputs, tangents, (a, b) => mul(g, a, b)),
  vjp: (g, { inputs: [a, b] }, cotangent) => [sumTo(g, mul(g, cotangent, b), g.shapeOf(a)), sumTo(g, mul(g, cotangent, a), g.shapeOf(b))],
  flops: (_, output) => sizeOf(output),
};

const divRow: Primitive = {
  name: 'div',
  infer: (shapes) => inferBroadcast('div', shapes),
  evaluate: evaluateBinary('div'),
  // d(a/b) = (da − (a/b)·db) / b
  jvp: (g, node, [ta, tb]) => {
    const b = node.inputs[1];
    if (tb === null) return ta === null ? null : div(g, ta, b);
    const turned = mul(g, node.id, tb);
    return div(g, ta === null ? affine(g, turned, -1, 0) : sub(g, ta, turned), b);
  },
  vjp: (g, node, cotangent) => {
    const [a, b] = node.inputs;
    const scaled = div(g, cotangent, b);
    return [sumTo(g, scaled, g.shapeOf(a)), affine(g, sumTo(g, mul(g, scaled, node.id), g.shapeOf(b)), -1, 0)];
  },
  flops: (_, output) => sizeOf(output),
};

const gateRow: Primitive = {
  name: 'gate',
  infer: (shapes) => inferBroadcast('gate', shapes),
  evaluate: (e) => {
    const [a, b] = e.inputs;
    const slope = numberAttribute(e.attributes, 'slope');
    e.arena.frame(() => e.routines.gate(slope, broadcastInputs(e), a.ptr, b.ptr, e.output.ptr));
  },
  jvp: (g, node, [, tb]) => (tb === null ? null : gate(g, node.inputs[0], tb, numberAttribute(node.attributes, 'slope'))),
  vjp: (g, node, cotangent) => {
    const [condition, b] = node.inputs;
    return [null, sumTo(g, gate(g, condition, cotangent, numberAttribute(node.attributes, 'slope')), g.shapeOf(b))];
  },
  flops: (_, output) => sizeOf(output),
};

const selectRow: Primitive = {
  name: 'select',
  infer: (shapes) => inferBroadcast('select', shapes),
  evaluate: (e) => {
    const [a, b, c] = e.inputs;
    e.arena.frame(() => e.routines.select(broadcastInputs(e), a.ptr, b.ptr, c.ptr, e.output.ptr));
  },
  jvp: (g, { inputs: [condition] }, [, tb, tc]) => {
    if (tb === null && tc === null) return null;
    return select(g, condition, tb ?? g.constant(0), tc ?? g.constant(0));
  },
  vjp: (g, { inputs: [condition, b, c] }, cotangent) => {
    const zero = g.constant(0);
    return [null, sumTo(g, select(g, condition, cotangent, zero), g.shapeOf(b)), sumTo(g, select(g, condition, zero, cotangent), g.shapeOf(c))];
  },
  flops: (_, output) => sizeOf(output),
};

export const arithmeticPrimitives: readonly Primitive[] = [addRow, subRow, mulRow, divRow, gateRow, selectRow];
