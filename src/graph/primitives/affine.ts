/** @file affine: scale·x + shift with two numbers; negation and scaling are this. */

import { sizeOf } from '../../core/tensor.ts';
import type { ValueId } from '../graph.ts';
import { type Emitter, numberAttribute, type Primitive } from '../primitive.ts';

/** scale·x + shift. */
export function affine(g: Emitter, x: ValueId, scale: number, shift: number): ValueId {
  return scale === 1 && shift === 0 ? x : g.emit('affine', [x], { scale, shift });
}

export function neg(g: Emitter, x: ValueId): ValueId {
  return affine(g, x, -1, 0);
}

const affineRow: Primitive = {
  name: 'affine',
  inPlace: true,
  infer: ([x]) => ({ shape: x }),
  evaluate: (e) => {
    const [x] = e.inputs;
    const { scale, shift } = e.attributes as { scale: number; shift: number };
    e.routines.affine(x.batch * sizeOf(x.shape), scale, shift, x.ptr, e.output.ptr);
  },
  jvp: (g, node, [tangent]) => (tangent === null ? null : affine(g, tangent, numberAttribute(node.attributes, 'scale'), 0)),
  vjp: (g, node, cotangent) => [affine(g, cotangent, numberAttribute(node.attributes, 'scale'), 0)],
  flops: (_, output) => 2 * sizeOf(output),
};

export const affinePrimitives: readonly Primitive[] = [affineRow];
