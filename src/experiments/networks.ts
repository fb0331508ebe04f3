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

/** An MLP on images of one channel. */
export function imageMlpSpec(side: number, width: number): NetworkSpec {
  const { layers } = mlpSpec([side * side, width, width, 1], 'Tanh');
  return { input_shape: [1, 1, side, side], layers: [{ type: 'Flatten' }, ...layers] };
}

/** Dense layers `fc0`, `fc1`, … between the given widths, with an activation after all but the last. */
export function mlpSpec(widths: readonly number[], activation: string, { bias = true, linear = () => ({}) }: MlpOptions = {}): NetworkSpec {
  const layers = widths.slice(1).flatMap((width, layer) => {
    const dense = { type: 'Linear', name: `fc${layer}`, in_features: widths[layer], out_features: width, bias, ...linear(layer) };
    return layer === widths.length - 2 ? [dense] : [dense, { type: activation }];
  });
  return { input_shape: [1, widths[0]], layers };
}

/** A vision transformer of two blocks on square images of one channel, patches of 7 × 7 pixels, mean of the tokens. */
export function vitSpec(side: number, dim: number): NetworkSpec {
  const tokens = (side / 7) * (side / 7);
  const block = (name: string) => ({
    type: 'TransformerEncoderLayer',
    name,
    d_model: dim,
    nhead: 2,
    dim_feedforward: 2 * dim,
    activation: 'gelu',
    norm_first: true,
  });
  return {
    input_shape: [1, 1, side, side],
    layers: [
      { type: 'Conv2d', name: 'embed', in_channels: 1, out_channels: dim, kernel_size: 7, stride: 7 },
      { type: 'ToTokens' },
      { type: 'PosEmbed', name: 'position', num_tokens: tokens, dim },
      block('block0'),
      block('block1'),
      { type: 'LayerNorm', name: 'norm', normalized_shape: dim },
      { type: 'MeanTokens' },
      { type: 'Linear', name: 'head', in_features: dim, out_features: 1 },
    ],
  };
}

/** Three convolutions of 3 × 3 with ReLU and max-pooling after the first two, and two dense layers: VGG in small. */
export function vggSpec(side: number, channels: number): NetworkSpec {
  const quarter = Math.floor(side / 4);
  const convolution = (name: string, from: number, to: number) => ({
    type: 'Conv2d',
    name,
    in_channels: from,
    out_channels: to,
    kernel_size: 3,
    padding: 1,
  });
  return {
    input_shape: [1, 1, side, side],
    layers: [
      convolution('conv0', 1, channels),
      { type: 'ReLU' },
      { type: 'MaxPool2d', kernel_size: 2 },
      convolution('conv1', channels, 2 * channels),
      { type: 'ReLU' },
      { type: 'MaxPool2d', kernel_size: 2 },
      convolution('conv2', 2 * channels, 2 * channels),
      { type: 'ReLU' },
      { type: 'Flatten' },
      { type: 'Linear', name: 'fc0', in_features: 2 * channels * quarter * quarter, out_features: 4 * channels },
      { type: 'ReLU' },
      { type: 'Linear', name: 'fc1', in_features: 4 * channels, out_features: 1 },
    ],
  };
}
