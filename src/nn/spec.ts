/** @file spec.json + state dict → Model. */

import { TangedgeError } from '../core/errors.ts';
import { formatShape, sameShape, sizeOf, type Tensor } from '../core/tensor.ts';
import { GraphBuilder } from '../graph/builder.ts';
import type { ValueId } from '../graph/graph.ts';
import type { Layer, Model } from '../graph/model.ts';
import { add, concat, reshape } from '../graph/primitives/table.ts';
import { describe, integerOption, LayerContext, type LayerSpec, type StateSource, stateDictSource } from './layer-context.ts';
import { layerBuilders } from './layers.ts';
import { trackOptions } from './unread-options.ts';

/**
 * Builds the network a spec describes, with the weights of a PyTorch-style state dict.
 *
 * Spec   `input_shape` [N, …], `layers` run in order with torch.nn's semantics, optional `parameters` (their order in
 *        Jacobians; default: the order in which the layers use them). The output is flattened to [c].
 *
 * @param spec   the parsed JSON
 * @param state  tensors by state-dict key (`readSafetensors`); entries that no layer uses are ignored
 * @throws {TangedgeError} ERR_FORMAT for a bad spec or a missing weight · ERR_SHAPE when a weight or layer does not fit ·
 *         ERR_UNSUPPORTED for an unknown layer, with the list of those that are supported.
 */
export function importSpec(spec: unknown, state: ReadonlyMap<string, Tensor>): Model {
  return buildSpec(spec, stateDictSource(state));
}

/** importSpec with values from any source. */
export function buildSpec(spec: unknown, source: StateSource): Model {
  const { inputShape, layers, order } = checkSpec(spec);
  const g = new GraphBuilder();
  const context = new LayerContext(g, source);
  const input = g.input('input', inputShape);
  const described: Layer[] = [];
  const last = run(context, layers, input, described);
  const size = sizeOf(g.shapeOf(last));
  const output = reshape(g, last, [size]);
  const names = order ?? context.requested;
  for (const name of names) {
    if (!context.requested.includes(name)) {
      throw new TangedgeError(
        'ERR_FORMAT',
        `spec: parameters lists '${name}', which no layer uses; the layers use ${context.requested.join(', ')}.`,
        { name },
      );
    }
  }
  for (const name of context.requested) {
    if (!names.includes(name)) throw new TangedgeError('ERR_FORMAT', `spec: a layer uses '${name}', which parameters does not list.`, { name });
  }
  return {
    graph: g.build([output]),
    input: { name: 'input', id: input, shape: inputShape },
    output: { name: 'output', id: output, size },
    parameters: names.map((name) => ({ name, ...context.leafOf(name), trainable: true })),
    layers: described,
  };
}

/** Layer types a spec may use. */
export function supportedLayers(): string[] {
  return [...Object.keys(layerBuilders), 'Residual', 'Concat'];
}

function run(context: LayerContext, layers: readonly LayerSpec[], input: ValueId, described: Layer[]): ValueId {
  let x = input;
  for (const layer of layers) {
    if (layer.type === 'Residual') {
      x = residual(context, layer, x, described);
      continue;
    }
    if (layer.type === 'Concat') {
      x = concatenated(context, layer, x, described);
      continue;
    }
    const build = typeof layer.type === 'string' && Object.hasOwn(layerBuilders, layer.type) ? layerBuilders[layer.type] : undefined;
    if (build === undefined) {
      throw new TangedgeError('ERR_UNSUPPORTED', `spec: layer ${describe(layer)} is not supported; supported are ${supportedLayers().join(', ')}.`, {
        type: layer.type,
      });
    }
    const before = context.requested.length;
    const options = trackOptions(layer);
    x = build(context, options.layer, x);
    options.checkAllRead();
    described.push({
      name: typeof layer.name === 'string' ? layer.name : '',
      type: layer.type as string,
      shape: [...context.g.shapeOf(x)],
      parameters: context.requested.slice(before),
    });
  }
  return x;
}

/** x + body(x), or shortcut(x) + body(x) when the residual has a `shortcut` of its own (a projection). */
function residual(context: LayerContext, layer: LayerSpec, x: ValueId, described: Layer[]): ValueId {
  const body = run(context, checkLayers(layer.layers, describe(layer)), x, described);
  const shortcut = layer.shortcut === undefined ? x : run(context, checkLayers(layer.shortcut, describe(layer)), x, described);
  if (!sameShape(context.g.shapeOf(body), context.g.shapeOf(shortcut))) {
    throw new TangedgeError(
      'ERR_SHAPE',
      `spec: layer ${describe(layer)} adds ${formatShape(context.g.shapeOf(shortcut))} and ${formatShape(context.g.shapeOf(body))}; give it a shortcut that makes them equal.`,
      { shortcut: [...context.g.shapeOf(shortcut)], body: [...context.g.shapeOf(body)] },
    );
  }
  return add(context.g, shortcut, body);
}

/** The results of several branches side by side along `axis` (per example; default 0, channels). */
function concatenated(context: LayerContext, layer: LayerSpec, x: ValueId, described: Layer[]): ValueId {
  const branches = layer.branches;
  if (!(Array.isArray(branches) && branches.length > 0)) {
    throw new TangedgeError('ERR_FORMAT', `spec: layer ${describe(layer)} must have branches, a list of lists of layers.`, {});
  }
  const values = branches.map((branch) => run(context, checkLayers(branch, describe(layer)), x, described));
  return concat(context.g, values, layer.axis === undefined ? 0 : integerOption(layer, 'axis', 0));
}

interface CheckedSpec {
  readonly inputShape: readonly number[];
  readonly layers: readonly LayerSpec[];
  readonly order?: readonly string[];
}

function checkSpec(spec: unknown): CheckedSpec {
  if (!isRecord(spec)) throw new TangedgeError('ERR_FORMAT', 'spec: it must be a JSON object with input_shape and layers.', {});
  const shape = spec.input_shape;
  if (!(Array.isArray(shape) && shape.length >= 2 && shape.every((extent) => Number.isSafeInteger(extent) && extent >= 1))) {
    throw new TangedgeError('ERR_FORMAT', `spec: input_shape is ${JSON.stringify(shape)}; it must be [N, …] with whole numbers ≥ 1.`, { shape });
  }
  const parameters = spec.parameters;
  if (parameters === undefined) return { inputShape: shape.slice(1), layers: checkLayers(spec.layers, 'the spec') };
  if (!(Array.isArray(parameters) && parameters.every((entry) => isRecord(entry) && typeof entry.name === 'string'))) {
    throw new TangedgeError('ERR_FORMAT', 'spec: parameters must be a list of { name, shape }.', {});
  }
  return { inputShape: shape.slice(1), layers: checkLayers(spec.layers, 'the spec'), order: parameters.map((entry) => entry.name as string) };
}

function checkLayers(layers: unknown, owner: string): readonly LayerSpec[] {
  if (!(Array.isArray(layers) && layers.every((layer) => isRecord(layer) && typeof layer.type === 'string'))) {
    throw new TangedgeError('ERR_FORMAT', `spec: layers of ${owner} must be a list of objects with a type.`, {});
  }
  return layers;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
