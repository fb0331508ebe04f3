/** @file ONNX → Model: checks the file, lowers the nodes that the output needs, and names parameters and layers. */

import { checkFinite } from '../../core/check.ts';
import { TangedgeError } from '../../core/errors.ts';
import { formatShape, sizeOf } from '../../core/tensor.ts';
import { GraphBuilder } from '../../graph/builder.ts';
import type { Model } from '../../graph/model.ts';
import { reshape } from '../../graph/primitives/table.ts';
import { quote, quoteList } from '../quote.ts';
import { BATCH_FIRST } from './batch-axis.ts';
import { formatExtents } from './extent.ts';
import { type ExternalData, remembered, withExternalData } from './external-data.ts';
import { formulaConstant } from './formula-constant.ts';
import { known, MAX_KNOWN } from './known.ts';
import { LayerList, moduleOf } from './layers.ts';
import { fitsRoutines, type ImportState, Lowering, nodeTitle, type OperatorRule } from './lowering.ts';
import { type OnnxGraph, type OnnxNode, type OnnxTensor, type OnnxValueInfo, readModel } from './messages.ts';
import { operatorRule, supportedOperators } from './operators/table.ts';
import { orderedParameters } from './parameters.ts';
import { elementTypeOf, isFloat, readStoredTensor, typeOfTensor } from './stored-tensor.ts';
import type { ArrayValue, Value } from './value.ts';

const FIRST_OPSET = 11;
const LAST_OPSET = 20;
/** Far more than torch writes for any network of this size class; keeps the time for a hostile file bounded. */
const MAX_NODES = 10_000;

export interface OnnxOptions {
  /** One of the graph's outputs, or an inner value or layer by name; may be left out when the graph has one output. */
  readonly output?: string;
  /** Reads the files that hold weights outside the model; `location` never leaves the model's folder. */
  readonly external?: ExternalData;
}

/**
 * A Model from an ONNX file, as `torch.onnx.export` writes it (opset 11–20): constant folding or not, open or fixed batch.
 *
 * The graph must have one input, whose axis 0 is the batch; every example is computed by itself. The chosen output is flattened to [c].
 *
 * Parameters are the float initializers that the output depends on, under PyTorch's names, in the file's order, values as
 * stored (f32 stays f32). Trainable are those that act as weights: all but stored statistics, which are the running mean
 * and variance of BatchNormalization (constants of the graph) and arrays that are only subtracted or divided by
 * (parameters with `trainable: false`). Not parameters are Constant nodes and scalar initializers whose names the exporter
 * made up: numbers of formulas, read as the number that was rounded to f32 (0.01, √2; see formula-constant.ts). A buffer
 * that is added or multiplied cannot be told from a bias or a gain; `withTrainable` freezes it.
 *
 * @throws {TangedgeError} ERR_FORMAT for a damaged file, with the byte · ERR_UNSUPPORTED for an operator, attribute, opset or
 * use of the batch axis that is not supported, with the node and what is · ERR_SHAPE where shapes do not fit ·
 * ERR_DOMAIN for NaN or Inf in a weight · ERR_ARGUMENT for an `output` that is not there.
 * @example
 * const model = importOnnx(new Uint8Array(await file.arrayBuffer()));
 */
export function importOnnx(bytes: Uint8Array, options: OnnxOptions = {}): Model {
  const { graph, opset } = checkedGraph(bytes);
  const initializers = byName(graph.initializers);
  const info = inputOf(graph, initializers);
  const [batch, ...shape] = info.shape;
  const outputName = chosenOutput(graph, options.output, initializers);
  const external = remembered(options.external);
  const nodes = neededNodes(graph, outputName, new Set([...initializers.keys(), info.name]));
  nodes.forEach(ruleOf);

  const g = new GraphBuilder();
  const input = g.input(info.name, shape);
  const fixedBatch = typeof batch === 'number' ? batch : undefined;
  const state: ImportState = { g, opset, integerInput: info.integers, fixedBatch, parameters: new Map() };
  const values = new Map<string, Value>([[info.name, { kind: 'array', id: input, batch: BATCH_FIRST }]]);
  const layers = new LayerList(g);
  for (const node of nodes) {
    const inputs = node.inputs.map((name) =>
      name === '' ? undefined : (values.get(name) ?? initializerValue(name, node, initializers, values, external)),
    );
    const results = lower(state, node, inputs);
    results.forEach((value, i) => {
      values.set(node.outputs[i], value);
    });
    const made = results.flatMap((value) => (value.kind === 'array' && g.isBatched(value.id) ? [value.id] : []));
    const read = inputs.flatMap((value) => (value?.kind === 'array' && g.isBatched(value.id) ? [value.id] : []));
    if (made.length > 0) layers.add(node, read, made);
  }

  const result = values.get(outputName);
  if (result?.kind !== 'array' || !g.isBatched(result.id)) {
    throw new TangedgeError('ERR_UNSUPPORTED', `importOnnx: output ${quote(outputName)} does not depend on the input ${quote(info.name)}.`, {
      outputName,
    });
  }
  const size = sizeOf(g.shapeOf(result.id));
  const output = reshape(g, result.id, [size]);
  const built = g.build([output]);
  return {
    graph: built,
    input: { name: info.name, id: input, shape },
    output: { name: outputName, id: output, size },
    parameters: orderedParameters(built, [...state.parameters.values()]),
    layers: layers.list(),
  };
}

function checkedGraph(bytes: Uint8Array): { readonly graph: OnnxGraph; readonly opset: number } {
  const { graph, opset } = readModel(bytes);
  if (graph === undefined) {
    throw new TangedgeError('ERR_FORMAT', 'importOnnx: the file holds no graph, so it is no ONNX model. Write it with torch.onnx.export.', {});
  }
  if (opset === undefined || opset < FIRST_OPSET || opset > LAST_OPSET) {
    throw new TangedgeError(
      'ERR_UNSUPPORTED',
      `importOnnx: the model uses opset ${opset ?? 'none'}; ${FIRST_OPSET} to ${LAST_OPSET} are supported. Export it with opset_version=17.`,
      { opset },
    );
  }
  if (graph.nodes.length > MAX_NODES) {
    throw new TangedgeError('ERR_UNSUPPORTED', `importOnnx: the graph has ${graph.nodes.length} nodes; at most ${MAX_NODES} are read.`, {});
  }
  if (graph.hasSparseInitializers) {
    throw new TangedgeError('ERR_UNSUPPORTED', 'importOnnx: the model has sparse initializers; store its weights as dense arrays.', {});
  }
  return { graph, opset };
}

function byName(initializers: readonly OnnxTensor[]): Map<string, { readonly tensor: OnnxTensor; readonly position: number }> {
  const named = new Map<string, { tensor: OnnxTensor; position: number }>();
  initializers.forEach((tensor, position) => {
    if (named.has(tensor.name)) {
      throw new TangedgeError('ERR_FORMAT', `importOnnx: two initializers are named ${quote(tensor.name)}.`, { name: tensor.name });
    }
    named.set(tensor.name, { tensor, position });
  });
  return named;
}

interface InputInfo {
  readonly name: string;
  /** The batch, open or fixed, then the extents of an example. */
  readonly shape: readonly [number | string, ...number[]];
  readonly integers: boolean;
}

/** The one graph input that is not the default of an initializer. */
function inputOf(graph: OnnxGraph, initializers: ReadonlyMap<string, unknown>): InputInfo {
  const inputs = graph.inputs.filter(({ name }) => !initializers.has(name));
  if (inputs.length !== 1) {
    throw new TangedgeError(
      'ERR_UNSUPPORTED',
      `importOnnx: the graph has ${inputs.length} inputs (${quoteList(inputs.map(({ name }) => name))}); one is supported.`,
      {},
    );
  }
  const [{ name, elementType, shape }] = inputs as [OnnxValueInfo];
  const type = elementType === undefined ? undefined : elementTypeOf(elementType);
  if (type === undefined || !(isFloat(type) || type === 'i64' || type === 'i32')) {
    throw new TangedgeError(
      'ERR_UNSUPPORTED',
      `importOnnx: input ${quote(name)} has elements of ${type ?? `data type ${elementType}`}; floats, and integers of 32 or 64 bits, are supported.`,
      { name },
    );
  }
  const [batch, ...rest] = shape ?? [];
  if (batch === undefined || (typeof batch === 'number' && !(batch >= 1))) {
    throw new TangedgeError('ERR_UNSUPPORTED', `importOnnx: input ${quote(name)} has no batch axis; export the model with inputs [N, …].`, { name });
  }
  rest.forEach((extent, i) => {
    if (typeof extent === 'string') {
      throw new TangedgeError(
        'ERR_UNSUPPORTED',
        `importOnnx: input ${quote(name)} leaves axis ${i + 1} (${quote(extent)}) open; only axis 0, the batch, may be. Export it with a fixed size.`,
        { name, axis: i + 1 },
      );
    }
  });
  const extents = rest as number[];
  if (!fitsRoutines(extents) || extents.includes(0)) {
    throw new TangedgeError('ERR_FORMAT', `importOnnx: input ${quote(name)} has the shape ${formatShape(extents)} per example.`, {
      name,
      shape: extents,
    });
  }
  return { name, shape: [batch, ...extents], integers: !isFloat(type) };
}

function chosenOutput(graph: OnnxGraph, wanted: string | undefined, initializers: ReadonlyMap<string, unknown>): string {
  const names = graph.outputs.map(({ name }) => name);
  if (wanted === undefined && names.length === 1) return names[0];
  if (wanted === undefined) {
    throw new TangedgeError(
      'ERR_ARGUMENT',
      `importOnnx: the model has ${names.length} outputs (${quoteList(names)}). Choose one with the option output.`,
      {
        names,
      },
    );
  }
  const inner = graph.nodes.some(({ outputs }) => wanted !== '' && outputs.includes(wanted));
  const found = names.includes(wanted) || inner ? wanted : outputOfLayer(graph, wanted, initializers);
  if (found !== undefined) return found;
  throw new TangedgeError(
    'ERR_ARGUMENT',
    `importOnnx: the model has no output ${quote(wanted)}; it has ${quoteList(names)}, and no inner value or layer of that name.`,
    { names, wanted },
  );
}

/** What the last node of a module makes: of those that its path names, or that read its own weights. */
function outputOfLayer(graph: OnnxGraph, layer: string, initializers: ReadonlyMap<string, unknown>): string | undefined {
  const owns = (name: string) => initializers.has(name) && name.slice(0, Math.max(0, name.lastIndexOf('.'))) === layer;
  const inside = graph.nodes.filter((node) => layer !== '' && (moduleOf(node, []) === layer || node.inputs.some(owns)));
  return inside[inside.length - 1]?.outputs[0];
}

/** The nodes that an output depends on, in file order: ONNX lists nodes after what they read, so an order that breaks this is a cycle. */
function neededNodes(graph: OnnxGraph, output: string, given: ReadonlySet<string>): OnnxNode[] {
  const makers = new Map<string, number>();
  graph.nodes.forEach((node, position) => {
    for (const name of node.outputs) {
      if (name === '') continue;
      if (makers.has(name) || given.has(name)) {
        throw new TangedgeError('ERR_FORMAT', `importOnnx: ${nodeTitle(node)} makes ${quote(name)}, which something else makes as well.`, { name });
      }
      makers.set(name, position);
    }
  });
  const needed = new Set<number>();
  const open: { name: string; reader: number }[] = [{ name: output, reader: graph.nodes.length }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { name, reader } = next;
    if (name === '' || given.has(name)) continue;
    const maker = makers.get(name);
    const title = reader < graph.nodes.length ? nodeTitle(graph.nodes[reader]) : 'the output list';
    if (maker === undefined) throw new TangedgeError('ERR_FORMAT', `importOnnx: ${title} reads ${quote(name)}, which nothing makes.`, { name });
    if (maker >= reader) {
      throw new TangedgeError(
        'ERR_FORMAT',
        `importOnnx: ${title} reads ${quote(name)}, which ${nodeTitle(graph.nodes[maker])} makes later: the graph has a cycle or is out of order.`,
        { name },
      );
    }
    if (needed.has(maker)) continue;
    needed.add(maker);
    for (const input of graph.nodes[maker].inputs) open.push({ name: input, reader: maker });
  }
  return [...needed].sort((a, b) => a - b).map((position) => graph.nodes[position]);
}

/** Integers are shape arithmetic; scalars with a made-up name are numbers of formulas; everything else may be a weight. */
function initializerValue(
  name: string,
  reader: OnnxNode,
  initializers: ReturnType<typeof byName>,
  values: Map<string, Value>,
  external: ExternalData | undefined,
): Value {
  const initializer = initializers.get(name);
  if (initializer === undefined) {
    // Some node lists the name among its outputs, but its rule makes only the first ones.
    throw new TangedgeError(
      'ERR_UNSUPPORTED',
      `importOnnx: ${nodeTitle(reader)} reads ${quote(name)}, an output that is not supported for its operator.`,
      { name },
    );
  }
  const { tensor, position } = initializer;
  const value = readStoredTensor(withExternalData(tensor, external));
  let result: Value;
  if (!isFloat(typeOfTensor(tensor))) {
    if (value.data.length > MAX_KNOWN) {
      throw new TangedgeError(
        'ERR_UNSUPPORTED',
        `importOnnx: initializer ${quote(name)} holds ${value.data.length} integers; at most ${MAX_KNOWN} are supported.`,
        { name },
      );
    }
    result = known('integer', value.shape, Array.from(value.data));
  } else if (value.shape.length === 0 && /^(onnx::|\/|_?\d+$)/.test(name)) {
    result = known('float', [], [formulaConstant(value.data[0])]);
  } else {
    checkFinite('importOnnx', `initializer ${quote(name)}`, value);
    result = { kind: 'stored', name, position, value };
  }
  values.set(name, result);
  return result;
}

/** Every operator is looked up before any is lowered, so that the first unsupported one is reported and not what leads to it. */
function ruleOf(node: OnnxNode): OperatorRule {
  const rule = node.domain === '' || node.domain === 'ai.onnx' ? operatorRule(node.type) : undefined;
  if (rule !== undefined) return rule;
  const supported = supportedOperators();
  throw new TangedgeError(
    'ERR_UNSUPPORTED',
    `importOnnx: ${nodeTitle(node)} is not supported. Choose an output before it, or export the model without it; supported are ${supported.join(', ')}.`,
    {
      node: node.name,
      type: node.type,
      domain: node.domain,
      supported,
    },
  );
}

/** The values of a node's outputs. */
function lower(state: ImportState, node: OnnxNode, inputs: readonly (Value | undefined)[]): readonly Value[] {
  const rule = ruleOf(node);
  const l = new Lowering(state, node, inputs);
  for (const { name } of node.attributes) {
    if (!rule.attributes?.includes(name)) l.fail(`has the attribute ${quote(name)}, which is not supported for this operator.`);
  }
  let values: readonly Value[];
  try {
    values = [rule.lower(l)].flat();
  } catch (cause) {
    if (!(cause instanceof TangedgeError) || cause.message.startsWith('importOnnx: ')) throw cause;
    // A graph constructor refused: say which node asked for it.
    throw new TangedgeError(cause.code, `importOnnx: ${nodeTitle(node)}: ${cause.message}`, { ...cause.info, node: node.name }, { cause });
  }
  for (const value of values) if (value.kind === 'array') checkShape(l, value);
  return values;
}

function checkShape(l: Lowering, value: ArrayValue): void {
  const shape = l.shapeOf(value);
  if (!fitsRoutines(shape) || shape.includes(0)) {
    l.fail(`makes a value of shape ${formatExtents(shape)} per example, which is empty or too large.`, 'ERR_SHAPE');
  }
}
