/** @file Primitives that move elements: reshape, transpose, slice, pad, concat. All linear; each one's transpose is among them. */

import { TangedgeError } from '../../core/errors.ts';
import { formatShape, sizeOf, stridesOf } from '../../core/tensor.ts';
import type { ValueId } from '../graph.ts';
import { type Emitter, type Evaluation, listAttribute, numberAttribute, type Primitive } from '../primitive.ts';
import { copyStrided, type PreparedCopy, prepareCopy, runCopy } from './strided.ts';

/** x under another shape of the same size; no copy. */
export function reshape(g: Emitter, x: ValueId, shape: readonly number[]): ValueId {
  const from = g.shapeOf(x);
  if (from.length === shape.length && from.every((extent, axis) => extent === shape[axis])) return x;
  return g.emit('reshape', [x], { shape });
}

/** Axes of x in the order `permutation`: output axis i is input axis permutation[i]. */
export function transpose(g: Emitter, x: ValueId, permutation: readonly number[]): ValueId {
  if (permutation.every((axis, i) => axis === i)) return x;
  const definition = g.definition(x);
  if (definition.op === 'transpose') {
    const inner = listAttribute(definition.attributes, 'permutation');
    return transpose(
      g,
      definition.inputs[0],
      permutation.map((axis) => inner[axis]),
    );
  }
  return g.emit('transpose', [x], { permutation });
}

/** x[starts[i] : limits[i] : strides[i]] on every axis. */
export function slice(g: Emitter, x: ValueId, starts: readonly number[], limits: readonly number[], strides = starts.map(() => 1)): ValueId {
  const shape = g.shapeOf(x);
  if (shape.every((extent, axis) => starts[axis] === 0 && limits[axis] === extent && strides[axis] === 1)) return x;
  return operandOfConcat(g, x, starts, limits, strides) ?? g.emit('slice', [x], { starts, limits, strides });
}

/** The operand of a concatenation that a slice takes back out, if it is exactly one. */
function operandOfConcat(
  g: Emitter,
  x: ValueId,
  starts: readonly number[],
  limits: readonly number[],
  strides: readonly number[],
): ValueId | undefined {
  const { op, inputs, attributes } = g.definition(x);
  if (op !== 'concat') return undefined;
  const along = numberAttribute(attributes, 'axis');
  const whole = g.shapeOf(x).every((extent, axis) => strides[axis] === 1 && (axis === along || (starts[axis] === 0 && limits[axis] === extent)));
  if (!whole) return undefined;
  let start = 0;
  return inputs.find((input) => {
    const from = start;
    start += g.shapeOf(input)[along];
    return from === starts[along] && start === limits[along] && g.isBatched(input) === g.isBatched(x);
  });
}

/** Zeros around x: `low` before, `high` after, `interior` between neighbours, per axis. */
export function pad(g: Emitter, x: ValueId, low: readonly number[], high: readonly number[], interior = low.map(() => 0)): ValueId {
  if (low.every((extent, axis) => extent === 0 && high[axis] === 0 && interior[axis] === 0)) return x;
  return g.emit('pad', [x], { low, high, interior });
}

/**
 * The sum of paddings that fill disjoint ranges of one axis, as a concatenation; null when they are anything else. The
 * cotangents of slices come like this: added one by one they would cost the whole array per slice.
 */
export function concatOfPads(g: Emitter, parts: readonly ValueId[]): ValueId | null {
  if (parts.length < 2) return null;
  const definitions = parts.map((part) => g.definition(part));
  if (definitions.some(({ op, attributes }) => op !== 'pad' || listAttribute(attributes, 'interior').some((extent) => extent !== 0))) return null;
  const pads = definitions.map(({ inputs: [inner], attributes }) => ({
    inner,
    low: listAttribute(attributes, 'low'),
    high: listAttribute(attributes, 'high'),
  }));
  const axis = pads[0].low.findIndex((extent, i) => extent > 0 || pads[0].high[i] > 0);
  const alone = pads.every(({ low, high }) => low.every((extent, i) => i === axis || (extent === 0 && high[i] === 0)));
  if (!alone) return null;
  const ordered = [...pads].sort((a, b) => a.low[axis] - b.low[axis]);
  const shape = g.shapeOf(parts[0]);
  const filled: ValueId[] = [];
  let end = 0;
  const fillTo = (start: number): void => {
    if (start > end)
      filled.push(
        g.constant(
          0,
          shape.map((extent, i) => (i === axis ? start - end : extent)),
        ),
      );
    end = start;
  };
  for (const { inner, low } of ordered) {
    if (low[axis] < end) return null; // they overlap
    fillTo(low[axis]);
    filled.push(inner);
    end += g.shapeOf(inner)[axis];
  }
  fillTo(shape[axis]);
  return concat(g, filled, axis);
}

/** Values side by side along `axis`. */
export function concat(g: Emitter, values: readonly ValueId[], axis: number): ValueId {
  return values.length === 1 ? values[0] : g.emit('concat', values, { axis });
}

const reshapeRow: Primitive = {
  name: 'reshape',
  alias: true,
  infer: ([x], attributes) => {
    const shape = listAttribute(attributes, 'shape');
    if (sizeOf(shape) !== sizeOf(x)) {
      throw new TangedgeError('ERR_SHAPE', `reshape: ${formatShape(x)} holds ${sizeOf(x)} elements, ${formatShape(shape)} needs ${sizeOf(shape)}.`, {
        from: [...x],
        to: [...shape],
      });
    }
    return { shape };
  },
  evaluate: () => {},
  jvp: (g, node, [tangent]) => (tangent === null ? null : reshape(g, tangent, listAttribute(node.attributes, 'shape'))),
  vjp: (g, node, cotangent) => [reshape(g, cotangent, g.shapeOf(node.inputs[0]))],
  flops: () => 0,
};

const transposeRow: Primitive = {
  name: 'transpose',
  infer: ([x], attributes) => {
    const permutation = listAttribute(attributes, 'permutation');
    if (permutation.length !== x.length || [...permutation].sort((a, b) => a - b).some((axis, i) => axis !== i)) {
      throw new TangedgeError(
        'ERR_SHAPE',
        `transpose: ${formatShape(permutation)} is not a permutation of the ${x.length} axes of ${formatShape(x)}.`,
        {
          shape: [...x],
          permutation: [...permutation],
        },
      );
    }
    return { shape: permutation.map((axis) => x[axis]) };
  },
  evaluate: (e) => {
    const [x] = e.inputs;
    copyStrided(e, () => {
      const strides = stridesOf(x.shape);
      const permutation = listAttribute(e.attributes, 'permutation');
      const extents = [x.batch, ...e.output.shape];
      return { extents, inStrides: [sizeOf(x.shape), ...permutation.map((axis) => strides[axis])], outStrides: stridesOf(extents) };
    });
  },
  jvp: (g, node, [tangent]) => (tangent === null ? null : transpose(g, tangent, listAttribute(node.attributes, 'permutation'))),
  vjp: (g, node, cotangent) => {
    const permutation = listAttribute(node.attributes, 'permutation');
    return [
      transpose(
        g,
        cotangent,
        permutation.map((_, axis) => permutation.indexOf(axis)),
      ),
    ];
  },
  flops: () => 0,
};

const sliceRow: Primitive = {
  name: 'slice',
  infer: ([x], attributes) => {
    const starts = listAttribute(attributes, 'starts');
    const limits = listAttribute(attributes, 'limits');
    const strides = listAttribute(attributes, 'strides');
    const fits = x.every((extent, i) => 0 <= starts[i] && starts[i] < limits[i] && limits[i] <= extent && strides[i] >= 1);
    if (!(fits && starts.length === x.length && limits.length === x.length)) {
      throw new TangedgeError(
        'ERR_SHAPE',
        `slice: from ${formatShape(starts)} to ${formatShape(limits)} by ${formatShape(strides)} is not inside ${formatShape(x)}.`,
        {
          shape: [...x],
          starts: [...starts],
          limits: [...limits],
        },
      );
    }
    return { shape: x.map((_, i) => Math.ceil((limits[i] - starts[i]) / strides[i])) };
  },
  evaluate: (e) => {
    const [x] = e.inputs;
    copyStrided(e, () => {
      const xStrides = stridesOf(x.shape);
      const starts = listAttribute(e.attributes, 'starts');
      const strides = listAttribute(e.attributes, 'strides');
      return {
        extents: [x.batch, ...e.output.shape],
        inStrides: [sizeOf(x.shape), ...xStrides.map((stride, i) => stride * strides[i])],
        outStrides: stridesOf([x.batch, ...e.output.shape]),
        inOffset: starts.reduce((offset, start, i) => offset + start * xStrides[i], 0),
      };
    });
  },
  jvp: (g, node, [tangent]) => (tangent === null ? null : g.emit('slice', [tangent], node.attributes)),
  vjp: (g, node, cotangent) => {
    const shape = g.shapeOf(node.inputs[0]);
    const starts = listAttribute(node.attributes, 'starts');
    const strides = listAttribute(node.attributes, 'strides');
    const kept = g.shapeOf(node.id);
    const high = shape.map((extent, i) => extent - (starts[i] + (kept[i] - 1) * strides[i] + 1));
    return [
      pad(
        g,
        cotangent,
        starts,
        high,
        strides.map((stride) => stride - 1),
      ),
    ];
  },
  flops: () => 0,
};

const padRow: Primitive = {
  name: 'pad',
  infer: ([x], attributes) => {
    const low = listAttribute(attributes, 'low');
    const high = listAttribute(attributes, 'high');
    const interior = listAttribute(attributes, 'interior');
    if (low.length !== x.length || [...low, ...high, ...interior].some((extent) => !(extent >= 0))) {
      throw new TangedgeError(
        'ERR_SHAPE',
        `pad: low ${formatShape(low)}, high ${formatShape(high)} must be one whole number ≥ 0 per axis of ${formatShape(x)}.`,
        {
          shape: [...x],
        },
      );
    }
    return { shape: x.map((extent, i) => low[i] + high[i] + extent + Math.max(0, extent - 1) * interior[i]) };
  },
  evaluate: (e) => {
    const [x] = e.inputs;
    const outSize = sizeOf(e.output.shape);
    e.routines.fill(x.batch * outSize, 0, e.output.ptr);
    copyStrided(e, () => {
      const outStrides = stridesOf(e.output.shape);
      const low = listAttribute(e.attributes, 'low');
      const interior = listAttribute(e.attributes, 'interior');
      return {
        extents: [x.batch, ...x.shape],
        inStrides: stridesOf([x.batch, ...x.shape]),
        outStrides: [outSize, ...outStrides.map((stride, i) => stride * (interior[i] + 1))],
        outOffset: low.reduce((offset, extent, i) => offset + extent * outStrides[i], 0),
      };
    });
  },
  jvp: (g, node, [tangent]) => (tangent === null ? null : g.emit('pad', [tangent], node.attributes)),
  vjp: (g, node, cotangent) => {
    const low = listAttribute(node.attributes, 'low');
    const strides = listAttribute(node.attributes, 'interior').map((extent) => extent + 1);
    const shape = g.shapeOf(node.inputs[0]);
    return [
      slice(
        g,
        cotangent,
        low,
        low.map((start, i) => start + (shape[i] - 1) * strides[i] + 1),
        strides,
      ),
    ];
  },
  flops: () => 0,
};

function concatCopies({ inputs, output, dtype, attributes }: Evaluation): PreparedCopy[] {
  const axis = numberAttribute(attributes, 'axis');
  const outStrides = stridesOf(output.shape);
  const outSize = sizeOf(output.shape);
  let offset = 0;
  return inputs.map(({ shape, batch, each }) => {
    const outOffset = offset;
    offset += shape[axis] * outStrides[axis];
    return prepareCopy(dtype, {
      extents: [output.batch / (batch * each), batch, each, ...shape],
      inStrides: [0, sizeOf(shape), 0, ...stridesOf(shape)],
      outStrides: [batch * each * outSize, each * outSize, outSize, ...outStrides],
      outOffset,
    });
  });
}

const concatRow: Primitive = {
  name: 'concat',
  infer: (shapes, attributes) => {
    const axis = numberAttribute(attributes, 'axis');
    const [first] = shapes;
    const fits =
      axis >= 0 && axis < first.length && shapes.every((s) => s.length === first.length && s.every((extent, i) => i === axis || extent === first[i]));
    if (!fits) {
      throw new TangedgeError('ERR_SHAPE', `concat: shapes ${shapes.map(formatShape).join(', ')} differ outside axis ${axis}.`, {
        shapes: shapes.map((s) => [...s]),
        axis,
      });
    }
    return { shape: first.map((extent, i) => (i === axis ? shapes.reduce((sum, s) => sum + s[axis], 0) : extent)) };
  },
  evaluate: (e: Evaluation) => {
    const copies = e.once(() => concatCopies(e));
    e.inputs.forEach((x, index) => {
      runCopy(e, copies[index], x.ptr, e.output.ptr);
    });
  },
  jvp: (g, node, tangents) => {
    if (tangents.every((tangent) => tangent === null)) return null;
    return g.emit(
      'concat',
      tangents.map((tangent, i) => tangent ?? g.constant(0, g.shapeOf(node.inputs[i]))),
      node.attributes,
    );
  },
  vjp: (g, node, cotangent) => {
    const axis = numberAttribute(node.attributes, 'axis');
    const shape = g.shapeOf(node.id);
    let start = 0;
    return node.inputs.map((input) => {
      const extent = g.shapeOf(input)[axis];
      const starts = shape.map((_, i) => (i === axis ? start : 0));
      const limits = shape.map((full, i) => (i === axis ? start + extent : full));
      start += extent;
      return slice(g, cotangent, starts, limits);
    });
  },
  flops: () => 0,
};

export const shapePrimitives: readonly Primitive[] = [reshapeRow, transposeRow, sliceRow, padRow, concatRow];
