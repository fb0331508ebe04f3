/** @file The networks of the experiments, as specs. */

/** A spec of `importSpec`. */
export interface NetworkSpec {
  readonly input_shape: readonly number[];
  readonly layers: readonly Readonly<Record<string, unknown>>[];
}

export interface MlpOptions {
  readonly bias?: boolean;
  /** Options of every Linear layer by its number, as `parameterization`. */
  readonly linear?: (layer: number) => Readonly<Record<string, unknown>>;
}

/** Dense layers `fc0`, `fc1`, … between the given widths, with an activation after all but the last. */
export function mlpSpec(widths: readonly number[], activation: string, { bias = true, linear = () => ({}) }: MlpOptions = {}): NetworkSpec {
  const layers = widths.slice(1).flatMap((width, layer) => {
    const dense = { type: 'Linear', name: `fc${layer}`, in_features: widths[layer], out_features: width, bias, ...linear(layer) };
    return layer === widths.length - 2 ? [dense] : [dense, { type: activation }];
  });
  return { input_shape: [1, widths[0]], layers };
}
