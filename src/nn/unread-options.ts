/** @file Refuses options that a layer's builder does not read: a misspelled or unsupported one must not be ignored. */

import { TangedgeError } from '../core/errors.ts';
import { describe, type LayerSpec } from './layer-context.ts';

/** Options that change nothing in evaluation mode, on one example at a time, whatever their value. */
const WITHOUT_EFFECT: ReadonlySet<string> = new Set([
  'type',
  'name',
  'inplace',
  'dropout',
  'p',
  'momentum',
  'device',
  'dtype',
  'sparse',
  'scale_grad_by_freq',
  'enable_nested_tensor',
]);

/** The layer, and a check to call when it is built: every option was read, has no effect, or is switched off. */
export function trackOptions(layer: LayerSpec): { readonly layer: LayerSpec; readonly checkAllRead: () => void } {
  const read = new Set<PropertyKey>();
  const tracked = new Proxy(layer, {
    get(target, option) {
      read.add(option);
      return Reflect.get(target, option);
    },
  });
  const checkAllRead = (): void => {
    for (const [option, value] of Object.entries(layer)) {
      const off = value === null || value === false || value === 0;
      const batchFirst = option === 'batch_first' && value === true;
      if (read.has(option) || WITHOUT_EFFECT.has(option) || off || batchFirst) continue;
      throw new TangedgeError(
        'ERR_UNSUPPORTED',
        `spec: layer ${describe(layer)} has ${option} = ${JSON.stringify(value)}, which it does not take here. Correct or remove it.`,
        { type: layer.type, option, value },
      );
    }
  };
  return { layer: tracked, checkAllRead };
}
