/** @file The mean loss of given outputs: the graph of the loss, on outputs instead of a model. */

import { lossTerms } from '../../core/loss-scale.ts';
import type { Tensor } from '../../core/tensor.ts';
import { exampleLoss, type LossOptions } from '../../dynamics/loss-graph.ts';
import type { TrainingRows } from '../../dynamics/training-data.ts';
import { GraphBuilder } from '../../graph/builder.ts';
import { evaluate } from '../../graph/execution.ts';
import type { Runtime } from '../../wasm/runtime.ts';

/** L of outputs [n, c] and targets, in f64. */
export function meanLoss(rt: Runtime, outputs: Tensor, { n, c, targets }: TrainingRows, { loss = 'mse', lossScale }: LossOptions): number {
  const g = new GraphBuilder();
  const f = g.input('outputs', [c]);
  const y = g.input('targets', [c]);
  const graph = g.build([exampleLoss(g, loss, f, y)]);
  const [losses] = evaluate(rt, graph, { outputs, targets: { shape: [n, c], data: targets } });
  let total = 0;
  for (const value of losses.data) total += value;
  return total / lossTerms('train', { n, c, lossScale });
}
