/** @file Constant, Shape, Size, Cast, Identity, Dropout: values that are known, or pass through. */

import type { ValueId } from '../../../graph/graph.ts';
import { combine, type Extent } from '../extent.ts';
import { formulaConstant } from '../formula-constant.ts';
import { known, MAX_KNOWN } from '../known.ts';
import type { Lowering, OperatorRule } from '../lowering.ts';
import { elementTypeOf, isFloat, readStoredTensor, typeOfTensor } from '../stored-tensor.ts';
import type { Value } from '../value.ts';

/** Numbers that a formula holds: small ones take part in shape arithmetic, large ones are constants of the graph. */
function constant(l: Lowering): Value {
  const attribute = l.node.attributes[0];
  if (l.node.attributes.length !== 1) l.fail(`has ${l.node.attributes.length} attributes; one must hold its value.`, 'ERR_FORMAT');
  const { name, tensor, float, integer, floats, integers } = attribute;
  if (name === 'value_float' && float !== undefined) return known('float', [], [formulaConstant(float)]);
  if (name === 'value_floats') return known('float', [floats.length], floats.map(formulaConstant));
  if (name === 'value_int' && integer !== undefined) return known('integer', [], [integer]);
  if (name === 'value_ints') return known('integer', [integers.length], integers);
  if (name !== 'value' || tensor === undefined)
    return l.fail(`has its value as ${JSON.stringify(name.slice(0, 40))}; tensors, floats and integers are supported.`);
  const value = readStoredTensor(tensor);
  const ofFloats = isFloat(typeOfTensor(tensor));
  if (value.data.length > MAX_KNOWN) return l.result(l.g.constantTensor(value), undefined);
  return known(ofFloats ? 'float' : 'integer', value.shape, ofFloats ? Array.from(value.data, formulaConstant) : Array.from(value.data));
}

function shapeOf(l: Lowering): Value {
  const value = l.value(0);
  const all: readonly Extent[] = value.kind === 'known' ? value.shape : value.kind === 'stored' ? value.value.shape : l.fileShape(value);
  // Positions count from the end when negative, and are cut to the shape.
  const cut = (position: number) => Math.max(0, Math.min(all.length, position < 0 ? position + all.length : position));
  const part = all.slice(cut(l.integer('start', 0)), cut(l.integer('end', all.length)));
  return known('integer', [part.length], part);
}

/** Between float types a cast is exact or what the file already rounded; the graph computes in one dtype. */
function cast(l: Lowering): Value {
  const value = l.value(0);
  const to = elementTypeOf(l.integer('to', 0));
  if (to === undefined) return l.fail(`casts to data type ${l.integer('to', 0)}, which holds no real numbers.`);
  if (value.kind === 'known') {
    if (isFloat(to)) return known('float', value.shape, value.elements);
    return known(
      'integer',
      value.shape,
      value.elements.map((element) => (typeof element === 'number' ? truncated(element, to === 'bool') : element)),
    );
  }
  // Indices stay whole numbers, and a truth value is a 0 or 1.
  const wholeAlready = value.kind === 'array' && isWhole(l, value.id);
  if (to !== 'f32' && to !== 'f64' && !wholeAlready)
    return l.fail(`casts a value that depends on weights or inputs to ${to}; only floats of 32 or 64 bits are supported.`);
  return value;
}

/** The model's integer input, moved about; or a choice between 0 and 1. */
function isWhole(l: Lowering, id: ValueId): boolean {
  const { op, inputs, value } = l.g.definition(id);
  if (op === 'input') return l.state.integerInput;
  if (op === 'constant') return Array.from(value?.data ?? [0.5]).every((element) => Number.isInteger(element));
  if (op === 'select') return inputs.slice(1).every((input) => isWhole(l, input));
  return ['reshape', 'transpose', 'slice', 'concat'].includes(op) && inputs.every((input) => isWhole(l, input));
}

function sizeOfValue(l: Lowering): Value {
  const value = l.value(0);
  const shape: readonly Extent[] = value.kind === 'array' ? l.fileShape(value) : value.kind === 'known' ? value.shape : value.value.shape;
  const size = shape.reduce((total, extent) => combine('Mul', total, extent, true) ?? l.fail('multiplies the batch size by itself.'), 1 as Extent);
  return known('integer', [], [size]);
}

function truncated(value: number, toBool: boolean): number {
  return toBool ? Number(value !== 0) : Math.trunc(value);
}

/** torch.onnx writes Identity where two entries of the state dict have equal values: each keeps its own name. */
function identity(l: Lowering): Value {
  const value = l.value(0);
  return value.kind === 'stored' ? { ...value, name: l.node.outputs[0], position: undefined } : value;
}

function dropout(l: Lowering): Value {
  const training = l.has(2) && l.numbers(2).some((flag) => flag !== 0);
  if (training) {
    l.failBatchCoupled('is in training mode: its random mask couples the result to the run, not the example. Call model.eval() before export.');
  }
  return l.value(0);
}

export const constantOperators: Readonly<Record<string, OperatorRule>> = {
  Constant: { attributes: ['value', 'value_float', 'value_floats', 'value_int', 'value_ints'], lower: constant },
  Shape: { attributes: ['start', 'end'], lower: shapeOf },
  Size: { lower: sizeOfValue },
  Cast: { attributes: ['to'], lower: cast },
  Identity: { lower: identity },
  Dropout: { attributes: ['seed', 'ratio'], lower: dropout },
};
