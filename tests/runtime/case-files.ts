/** @file The golden networks that the cases run, built into the bundle: no runtime reads a file. */

import { importOnnx, importSpec, type Model, readNpy, readSafetensors, type Tensor } from 'tangedge';
import vit from '../golden/onnx/vit-meanpool/model.onnx';
import vitInputs from '../golden/onnx/vit-meanpool/x.npy';
import mlpSpec from '../golden/s03_mlp_gelu_f64/spec.json' with { type: 'json' };
import mlpWeights from '../golden/s03_mlp_gelu_f64/weights.safetensors';
import mlpInputs from '../golden/s03_mlp_gelu_f64/x.npy';
import cnnSpec from '../golden/s05_cnn/spec.json' with { type: 'json' };
import cnnWeights from '../golden/s05_cnn/weights.safetensors';
import cnnInputs from '../golden/s05_cnn/x.npy';
import attentionSpec from '../golden/s08_vit_prenorm/spec.json' with { type: 'json' };
import attentionWeights from '../golden/s08_vit_prenorm/weights.safetensors';
import attentionInputs from '../golden/s08_vit_prenorm/x.npy';
import gruSpec from '../golden/s10_gru/spec.json' with { type: 'json' };
import gruWeights from '../golden/s10_gru/weights.safetensors';
import gruInputs from '../golden/s10_gru/x.npy';
import trainedInitial from '../golden/s11_nfa_relu/init.safetensors';
import trainedSpec from '../golden/s11_nfa_relu/spec.json' with { type: 'json' };
import trainedWeights from '../golden/s11_nfa_relu/weights.safetensors';
import trainedInputs from '../golden/s11_nfa_relu/x.npy';
import trainedTargets from '../golden/s11_nfa_relu/y.npy';

export interface Network {
  readonly name: string;
  readonly model: Model;
  readonly x: Tensor;
}

/** A multilayer perceptron, a convolutional, a recurrent and an attention network. */
export function networks(): readonly Network[] {
  return [
    network('mlp', mlpSpec, mlpWeights, mlpInputs),
    network('cnn', cnnSpec, cnnWeights, cnnInputs),
    network('gru', gruSpec, gruWeights, gruInputs),
    network('attention', attentionSpec, attentionWeights, attentionInputs),
  ];
}

/** An attention network from ONNX. */
export function onnxNetwork(): Network {
  return { name: 'onnx vit', model: importOnnx(vit), x: readNpy(vitInputs) };
}

/** A network before and after training, with its data. */
export function trained() {
  const model = (weights: Uint8Array) => importSpec(trainedSpec, readSafetensors(weights).tensors);
  return { model: model(trainedWeights), initial: model(trainedInitial), inputs: readNpy(trainedInputs), targets: readNpy(trainedTargets) };
}

function network(name: string, spec: unknown, weights: Uint8Array, inputs: Uint8Array): Network {
  return { name, model: importSpec(spec, readSafetensors(weights).tensors), x: readNpy(inputs) };
}
