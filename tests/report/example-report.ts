/** @file Reports to render: a small network on made-up data, analyzed for real. */

import { type AnalysisOptions, analyze, importSpec, loadRuntime, type Model, type Report, tensor, uniformArray } from 'tangedge';

const SAMPLES = 24;
const CLASSES = 3;

/** 6 → 5 → 3, tanh; `scale` 1 and another one give two checkpoints. */
export function smallNetwork(scale: number): Model {
  const weights = (seed: number, shape: number[]) =>
    tensor(
      shape,
      uniformArray(
        seed,
        0,
        shape.reduce((size, extent) => size * extent, 1),
      ).map((value) => scale * (value - 0.5)),
    );
  return importSpec(
    {
      input_shape: [SAMPLES, 6],
      layers: [
        { type: 'Linear', name: 'hidden', in_features: 6, out_features: 5, bias: true },
        { type: 'Tanh' },
        { type: 'Linear', name: 'readout', in_features: 5, out_features: CLASSES, bias: true },
      ],
    },
    new Map([
      ['hidden.weight', weights(1, [5, 6])],
      ['hidden.bias', weights(2, [5])],
      ['readout.weight', weights(3, [CLASSES, 5])],
      ['readout.bias', weights(4, [CLASSES])],
    ]),
  );
}

/** One indicator per row: classes in turn. */
export function indicators(): ReturnType<typeof tensor> {
  return tensor(
    [SAMPLES, CLASSES],
    Array.from({ length: SAMPLES * CLASSES }, (_, position) => (Math.floor(position / CLASSES) % CLASSES === position % CLASSES ? 1 : 0)),
  );
}

export function smallInputs(): ReturnType<typeof tensor> {
  return tensor([SAMPLES, 6], uniformArray(9, 0, SAMPLES * 6));
}

export type Missing = 'targets' | 'initial';

export async function exampleReport(missing: readonly Missing[] = [], options: AnalysisOptions = {}): Promise<Report> {
  const rt = await loadRuntime();
  return analyze(
    rt,
    {
      model: smallNetwork(2),
      inputs: smallInputs(),
      targets: missing.includes('targets') ? undefined : indicators(),
      initial: missing.includes('initial') ? undefined : smallNetwork(1),
    },
    { title: 'small', ...options },
  );
}
