/** @file Experiment: the centered neural feature ansatz at the first instant of training is predicted by data and labels. */

import type { Tensor } from '../core/tensor.ts';
import { earlyFeatures } from '../features/early-features.ts';
import { neuralFeatures } from '../features/neural-features.ts';
import { nfaCorrelation } from '../features/nfa-correlation.ts';
import { preactivationTangentKernel } from '../features/preactivation-tangent-kernel.ts';
import { vjp } from '../graph/differentiate.ts';
import { evaluate } from '../graph/execution.ts';
import { forward } from '../graph/forward.ts';
import type { Model } from '../graph/model.ts';
import { matmul } from '../linalg/gemm.ts';
import { initializeSpec } from '../nn/initialize.ts';
import { importSpec } from '../nn/spec.ts';
import type { Runtime } from '../wasm/runtime.ts';
import { chainTask } from './chain-monomial.ts';
import { near } from './check.ts';
import type { Experiment, ExperimentContext, Findings } from './experiment.ts';
import { mlpSpec } from './networks.ts';

const RATES = [1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6];

export const nfaEarly: Experiment = {
  name: 'nfa-early',
  title: 'Features begin where the labels point',
  claim:
    'The change of a weight in the first instant of training is aligned with the pre-activation tangent kernel, by an amount that data and labels alone determine: C-NFA(0⁺) = ρ(XᵀR𝒦RX, XᵀR𝒦²RX), R = diag(y − f).',
  source: 'Beaglehole, Mitliagkas, Agarwala 2024, arXiv:2402.05271',
  run,
};

function run({ rt, seed, size, progress }: ExperimentContext): Findings {
  const [n, d, width] = size === 'full' ? [2048, 32, 256] : [256, 16, 64];
  const { x, y } = chainTask(rt, { seed, n, m: 1, d, order: 5 });
  const spec = mlpSpec([d, width, width, 1], 'GELU', { bias: false });
  const model = importSpec(spec, initializeSpec(rt, spec, { seed, dtype: 'f64' }));
  const predicted = earlyFeatures(rt, model, x, y);
  const steps = RATES.map((rate, index) => {
    progress(index / RATES.length, `one step of ${rate}`);
    return neuralFeatures(rt, gradientStep(rt, model, x, y, rate), x, { initial: model });
  });
  const hidden = predicted.slice(0, 2);
  const differences = hidden.map(({ correlation }, layer) =>
    steps.map((features) => Math.abs((features[layer].motion?.centeredCorrelation ?? Number.NaN) - correlation)),
  );
  const last = RATES.length - 1;
  const formula = publishedFormula(rt, model, x, y);
  return {
    settings: [
      { name: 'task', value: `chain monomial of order 5, ${d} normal inputs, ${n} examples` },
      { name: 'network', value: `${d}–${width}–${width}–1, GELU, no biases` },
    ],
    checks: [
      ...hidden.map(({ name, correlation }, layer) =>
        near(`C-NFA of ${name} after one step of ${RATES[last]}`, steps[last][layer].motion?.centeredCorrelation ?? Number.NaN, correlation, 1e-6),
      ),
      ...hidden.map(({ name }, layer) =>
        near(`${name}: error from one rate to a tenth of it, as a ratio`, differences[layer][1] / differences[layer][2], 10, 1),
      ),
      near('ρ(XᵀR𝒦RX, XᵀR𝒦²RX) of fc0, from the tangent kernel', formula, predicted[0].correlation, 1e-10),
    ],
    conclusion: `Before any training, data and labels predict a C-NFA of ${predicted[0].correlation.toFixed(4)} in the first layer and ${predicted[1].correlation.toFixed(4)} in the second; one small step of gradient descent gives the same to ${differences[0][last].toExponential(0)} and ${differences[1][last].toExponential(0)}, and the difference shrinks in proportion to the step.`,
    figures: [
      {
        title: 'C-NFA after one step, minus the prediction',
        xLabel: 'learning rate',
        yLabel: '|difference|',
        xScale: 'log',
        yScale: 'log',
        curves: hidden.map(({ name }, layer) => ({ name, mark: 'line-points', x: RATES, y: differences[layer] })),
        levels: [],
        bands: [],
      },
    ],
    tables: [
      {
        title: 'C-NFA of each weight',
        columns: ['weight', 'predicted', ...RATES.map((rate) => `η = ${rate}`)],
        rows: predicted.map(({ name, correlation }, layer) => [
          name,
          correlation,
          ...steps.map((features) => features[layer].motion?.centeredCorrelation ?? null),
        ]),
      },
    ],
  };
}

/** ρ(XᵀR𝒦RX, XᵀR𝒦²RX) of the first weight as the source writes it, by products of [n, n] matrices. */
function publishedFormula(rt: Runtime, model: Model, x: Tensor, y: Tensor): number {
  const kernel = preactivationTangentKernel(rt, model, x, 'fc0.weight');
  const outputs = forward(rt, model, x).data;
  const [n, d] = x.shape;
  const weighted: Tensor = { shape: [n, d], data: x.data.map((value, at) => value * (y.data[Math.floor(at / d)] - outputs[Math.floor(at / d)])) };
  const once = matmul(rt, kernel, weighted);
  const first = matmul(rt, weighted, once, { transposeA: true });
  const second = matmul(rt, once, once, { transposeA: true });
  return nfaCorrelation(rt, first, second);
}

/** θ − η·∇L, L = 1/(2n)·Σ(f − y)². */
function gradientStep(rt: Runtime, model: Model, x: Tensor, y: Tensor, rate: number): Model {
  const derived = vjp(
    model.graph,
    model.parameters.map(({ id }) => id),
  );
  const nameOf = (id: number) => derived.graph.nodes[id].name as string;
  const outputs = forward(rt, model, x);
  const error = outputs.data.map((value, i) => (value - y.data[i]) / outputs.shape[0]);
  const bindings: Record<string, Tensor> = { [nameOf(model.input.id)]: x, [nameOf(derived.seeds[0])]: { shape: outputs.shape, data: error } };
  for (const { id, value } of model.parameters) bindings[nameOf(id)] = value;
  const gradients = evaluate(rt, derived.graph, bindings).slice(1);
  const parameters = model.parameters.map((parameter, index) => {
    const { shape, data } = parameter.value;
    return { ...parameter, value: { shape, data: new Float64Array(data).map((value, i) => value - rate * gradients[index].data[i]) } };
  });
  return { ...model, parameters };
}
