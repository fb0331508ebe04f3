/** @file Functions of one variable: the mathematical ones, and the activations that have an operator of their own. */

import type { ValueId } from '../../../graph/graph.ts';
import { affine, div, elu, leakyRelu, max, mul, reshape, softplus, sub, sum, type UnaryOp, unary } from '../../../graph/primitives/table.ts';
import { abs, clamp, prelu, softmaxOver } from '../../../nn/activations.ts';
import { geluTanh } from '../../../nn/compositions.ts';
import { aligned } from '../alignment.ts';
import { known } from '../known.ts';
import type { Lowering, OperatorRule } from '../lowering.ts';
import type { Value } from '../value.ts';

/** What a function without transcendental parts makes of a number, for known inputs; the others become constants of the graph. */
type OfNumber = (value: number) => number;

function apply(l: Lowering, f: (x: ValueId) => ValueId, ofNumber?: OfNumber): Value {
  const value = l.value(0);
  if (value.kind === 'known' && ofNumber !== undefined) return known('float', value.shape, l.numbersOf(value).map(ofNumber));
  const x = l.toArray(value);
  return l.result(f(x.id), x.batch);
}

const elementwise = (op: UnaryOp, ofNumber?: OfNumber): OperatorRule => ({ lower: (l) => apply(l, (x) => unary(l.g, op, x), ofNumber) });

const reciprocal = (l: Lowering, x: ValueId) => div(l.g, l.g.constant(1), x);

/** min(max(αx + β, 0), 1) */
const hardSigmoid = (l: Lowering, x: ValueId, alpha: number, beta: number) => clamp(l.g, affine(l.g, x, alpha, beta), 0, 1);

const SIXTH = 1 / 6;

function gelu(l: Lowering): Value {
  const approximate = l.string('approximate', 'none');
  if (approximate !== 'none' && approximate !== 'tanh') l.fail(`has approximate = ${JSON.stringify(approximate.slice(0, 40))}.`, 'ERR_FORMAT');
  return apply(l, (x) => (approximate === 'tanh' ? geluTanh(l.g, x) : unary(l.g, 'gelu', x)));
}

/** The axes that a softmax runs over: one, but before opset 13 all from `axis` on, 1 where none is named. */
function softmaxAxes(l: Lowering, rank: number): number {
  if (l.state.opset >= 13) return l.axis(l.integer('axis', -1), rank);
  const axis = l.axis(l.integer('axis', 1), rank);
  if (axis !== rank - 1) l.fail(`runs over several axes, as Softmax did before opset 13; export with opset_version=17.`);
  return axis;
}

function softmaxOf(l: Lowering): Value {
  const x = l.array(0);
  return l.result(softmaxOver(l.g, x.id, l.ownAxis(x, softmaxAxes(l, l.rankOf(x)))), x.batch);
}

/** x − m − log Σ e^(x − m), m the maximum: no number overflows, and the derivative of m cancels. */
function logSoftmax(l: Lowering): Value {
  const x = l.array(0);
  const axis = l.ownAxis(x, softmaxAxes(l, l.rankOf(x)));
  const kept = l.shapeOf(x).map((extent, i) => (i === axis ? 1 : extent));
  const shifted = sub(l.g, x.id, reshape(l.g, max(l.g, x.id, [axis]), kept));
  const total = reshape(l.g, sum(l.g, unary(l.g, 'exp', shifted), [axis]), kept);
  return l.result(sub(l.g, shifted, unary(l.g, 'log', total)), x.batch);
}

/** x > 0 ? x : slope·x, the slope a weight that broadcasts to x. */
function preluOf(l: Lowering): Value {
  const { ids, batch } = aligned(l, [l.array(0), l.shared(1)]);
  return l.result(prelu(l.g, ids[0], ids[1]), batch);
}

export const activationOperators: Readonly<Record<string, OperatorRule>> = {
  Neg: {
    lower: (l) =>
      apply(
        l,
        (x) => affine(l.g, x, -1, 0),
        (value) => -value,
      ),
  },
  Abs: { lower: (l) => apply(l, (x) => abs(l.g, x), Math.abs) },
  Reciprocal: {
    lower: (l) =>
      apply(
        l,
        (x) => reciprocal(l, x),
        (value) => 1 / value,
      ),
  },
  Sqrt: elementwise('sqrt', Math.sqrt),
  Exp: elementwise('exp'),
  Log: elementwise('log'),
  Sin: elementwise('sin'),
  Cos: elementwise('cos'),
  Erf: elementwise('erf'),
  Tanh: elementwise('tanh'),
  Sigmoid: elementwise('sigmoid'),
  Relu: elementwise('relu'),
  Gelu: { attributes: ['approximate'], lower: gelu },
  Softplus: { lower: (l) => apply(l, (x) => softplus(l.g, x)) },
  Mish: { lower: (l) => apply(l, (x) => mul(l.g, x, unary(l.g, 'tanh', softplus(l.g, x)))) },
  Softsign: { lower: (l) => apply(l, (x) => div(l.g, x, affine(l.g, abs(l.g, x), 1, 1))) },
  LeakyRelu: { attributes: ['alpha'], lower: (l) => apply(l, (x) => leakyRelu(l.g, x, l.float('alpha', 0.01))) },
  Elu: { attributes: ['alpha'], lower: (l) => apply(l, (x) => elu(l.g, x, l.float('alpha', 1))) },
  Celu: {
    attributes: ['alpha'],
    lower: (l) => apply(l, (x) => affine(l.g, elu(l.g, affine(l.g, x, 1 / l.float('alpha', 1), 0), 1), l.float('alpha', 1), 0)),
  },
  // ONNX's defaults, as f32; torch relies on them.
  Selu: {
    attributes: ['alpha', 'gamma'],
    lower: (l) => apply(l, (x) => affine(l.g, elu(l.g, x, l.float('alpha', 1.6732632423543772)), l.float('gamma', 1.0507009873554805), 0)),
  },
  HardSigmoid: {
    attributes: ['alpha', 'beta'],
    lower: (l) => apply(l, (x) => hardSigmoid(l, x, nearSixth(l.float('alpha', 0.2)), l.float('beta', 0.5))),
  },
  HardSwish: { lower: (l) => apply(l, (x) => mul(l.g, x, hardSigmoid(l, x, SIXTH, 0.5))) },
  PRelu: { lower: preluOf },
  Softmax: { attributes: ['axis'], lower: softmaxOf },
  LogSoftmax: { attributes: ['axis'], lower: logSoftmax },
};

/** torch writes its Hardsigmoid's 1/6 as f32. */
function nearSixth(alpha: number): number {
  return Math.fround(alpha) === Math.fround(SIXTH) ? SIXTH : alpha;
}
