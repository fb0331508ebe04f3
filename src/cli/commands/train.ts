/** @file `tangedge train`: trains a model and measures what changes; a run folder with metrics, checkpoints, weights and a report. */

import { basename } from 'node:path';
import type { Command } from 'commander';
import { givenTargets } from '../../analysis/given-targets.ts';
import type { TrainingRun } from '../../analysis/training/run.ts';
import { runTraining, type TrackedStep, type TrainingRunOptions } from '../../analysis/training/track.ts';
import { TangedgeError } from '../../core/errors.ts';
import { LOSS_SCALES, type LossScale } from '../../core/loss-scale.ts';
import type { Tensor } from '../../core/tensor.ts';
import type { LossName } from '../../dynamics/loss-graph.ts';
import type { TrainingData } from '../../dynamics/training-data.ts';
import type { TrainingState } from '../../dynamics/training-state.ts';
import { type Model, trainableParameters } from '../../graph/model.ts';
import { writeSafetensors } from '../../io/safetensors.ts';
import { mupRateFactors } from '../../nn/mup.ts';
import { renderTrainingRun } from '../../report/training-page.ts';
import { sourceOf } from '../analysis-output.ts';
import { arrayFile, readArray, readInputs } from '../array-files.ts';
import { defineCommand } from '../command.ts';
import { addModelOptions, MODEL_OPERAND, type ModelOptions, type ModelToTrain, readModelToTrain } from '../model-files.ts';
import { once, oneOf, plainText, wholeNumber } from '../option-values.ts';
import { newestCheckpoint, RunFolder } from '../run-folder.ts';
import type { CommonOptions, Session } from '../session.ts';
import {
  decimal,
  forParameters,
  learningRateOf,
  namedNumbers,
  OPTIMIZERS,
  type OptimizerFlags,
  optimizerOf,
  type RateFlags,
  SCHEDULES,
  stepList,
  type TrackerFlags,
  type TrackerRequest,
  trackerList,
  trackerSpecs,
  withTrackerFlags,
} from '../training-options.ts';
import { checkRecipe, recipeOf, storedRecipe, type TrainingRecipe, withCadences } from '../training-recipe.ts';
import { runSummary } from '../training-summary.ts';

interface TrainOptions extends ModelOptions, OptimizerFlags, RateFlags, TrackerFlags {
  readonly inputs: string;
  readonly targets: string;
  readonly testInputs?: string;
  readonly testTargets?: string;
  readonly steps: number;
  readonly loss?: LossName;
  readonly lossScale?: LossScale;
  readonly batchSize?: number;
  readonly rateFactors?: Readonly<Record<string, number>>;
  readonly mup?: boolean;
  readonly baseWidth?: number;
  readonly track?: readonly TrackerRequest[];
  readonly samples?: number;
  readonly egop?: string;
  readonly checkpointEvery?: number;
  readonly resume?: string;
  readonly out?: string;
}

export function trainCommand(): Command {
  return defineCommand<TrainOptions>({
    name: 'train',
    summary: 'train a model and measure what changes: metrics.jsonl, checkpoints, weights, report',
    operands: { '<model>': `${MODEL_OPERAND['<model>']} (without: initial ones of --seed)` },
    declare: (command) => declareRun(declareDescent(declareData(command))),
    required: ['inputs', 'targets', 'lr', 'steps'],
    acts: ['dtype', 'batch', 'seed', 'parameters', 'freeze', 'output'],
    run: runTrain,
  });
}

function declareData(command: Command): Command {
  return addModelOptions(command)
    .option('--targets <Y>', 'targets [n, c], or class numbers [n]: .npy, or .npz:NAME', once(plainText))
    .option('--test-inputs <X>', 'examples that are not trained on, for the tracker test', once(plainText))
    .option('--test-targets <Y>', 'their targets', once(plainText));
}

function declareDescent(command: Command): Command {
  return command
    .option('--lr <RATE>', 'learning rate η', once(decimal))
    .option('--schedule <NAME>', 'constant (default), linear or cosine: how the rate falls to --final-lr', once(oneOf(SCHEDULES)))
    .option('--warmup <N>', 'updates over which the rate rises to η (default 0)', once(wholeNumber(0)))
    .option('--final-lr <RATE>', 'rate of the last update of a schedule (default 0)', once(decimal))
    .option('--steps <N>', 'updates to make', once(wholeNumber(0)))
    .option('--optimizer <NAME>', `${OPTIMIZERS.join(', ')} (default gd)`, once(oneOf(OPTIMIZERS)))
    .option('--momentum <MU>', 'of momentum and nesterov (default 0.9)', once(decimal))
    .option('--beta1 <B>', 'of adam (default 0.9)', once(decimal))
    .option('--beta2 <B>', 'of adam (default 0.999)', once(decimal))
    .option('--epsilon <E>', 'of adam (default 1e-8) and slo (default 0)', once(decimal))
    .option('--speeds <LIST>', 'of slo: WEIGHT=C,…; each step moves the weight by η·C, and nothing else', once(namedNumbers))
    .option(
      '--rate-factors <LIST>',
      'PARAMETER=FACTOR,… of the learning rate; negative ascends, 0 freezes; fc* is all that begin so',
      once(namedNumbers),
    )
    .option('--mup', 'learning rates of the maximal-update parameterization, from the spec’s layers')
    .option('--base-width <N>', 'width at which --lr was tuned, with --mup (default 1)', once(wholeNumber(1)))
    .option('--batch-size <N>', 'examples of one step (default all)', once(wholeNumber(1)))
    .option('--loss <NAME>', 'mse or cross-entropy (default mse)', once(oneOf(['mse', 'cross-entropy'] as const)))
    .option('--loss-scale <NAME>', 'mean-batch: 1/(2n)·Σ|f − y|² (default); mean-all: 1/(2nc); sum: 1/2', once(oneOf(LOSS_SCALES)));
}

function declareRun(command: Command): Command {
  return command
    .option('--track <LIST>', 'what to measure: NAME, NAME:EVERY or NAME:xGROWTH, … (default loss,accuracy,kta,spectrum)', once(trackerList))
    .option('--since <LIST>', 'steps that the tracker kernel measures distance and velocity from, beside 0', once(stepList))
    .option('--top <K>', 'eigenpairs of the trackers spectrum (default 10) and eigenvectors (default 5)', once(wholeNumber(1)))
    .option('--samples <N>', 'compute kernels and features on the first N samples (default all)', once(wholeNumber(1)))
    .option('--egop <G>', 'expected gradient outer product [d, d] of the target, for the tracker egop', once(plainText))
    .option('--checkpoint-every <N>', 'steps between checkpoints (default: a tenth of the run)', once(wholeNumber(1)))
    .option('--resume <RUN>', 'folder of an earlier run, or a checkpoint: go on with its bits', once(plainText))
    .option('--out <DIR>', 'folder of the run (default run; with --resume RUN that folder)', once(plainText));
}

const USUAL_TRACKERS: readonly TrackerRequest[] = [{ tracker: 'loss' }, { tracker: 'accuracy' }, { tracker: 'kta' }, { tracker: 'spectrum' }];

async function runTrain(session: Session, options: TrainOptions & CommonOptions, path: string): Promise<void> {
  const resumed = options.resume === undefined ? undefined : newestCheckpoint(options.resume);
  if (resumed) checkStep(resumed.path, resumed.state.step, options.steps);
  const sameFolder = options.resume !== undefined && !options.resume.endsWith('.safetensors') ? options.resume : undefined;
  const out = options.out ?? sameFolder ?? 'run';
  const folder = new RunFolder(out, out === sameFolder ? 'resume' : 'new');
  const read = readModelToTrain(session.rt, path, { ...options, dtype: session.dtype });
  if (read.initialized) session.note(`no --weights: the initial ones of seed ${options.seed ?? 0}.`);
  const { model } = read;
  const data = await readData(session, model, options.inputs, options.targets, options.loss);
  const stored = resumed && storedRecipe(resumed.metadata);
  const trackers = trackersOf(options, stored);
  const settings: TrainingRunOptions = {
    ...(await descentOf(session, read, options, trackers)),
    ...(await testDataOf(session, model, options)),
    title: basename(path),
    sources: [
      sourceOf('model', path),
      ...(options.weights ? [sourceOf('weights', options.weights)] : []),
      sourceOf('inputs', arrayFile(options.inputs)),
      sourceOf('targets', arrayFile(options.targets)),
      ...(options.testInputs ? [sourceOf('test inputs', arrayFile(options.testInputs))] : []),
      ...(options.testTargets ? [sourceOf('test targets', arrayFile(options.testTargets))] : []),
    ],
  };
  const recipe = recipeOf(read, settings, { rates: options, trackers, fused: session.rt.fused });
  if (stored && resumed) checkRecipe(session, resumed.path, stored, recipe, resumed.state.step);
  const metadata = new Map([['recipe', JSON.stringify(recipe)]]);
  const earlier = folder.linesBefore(resumed?.state.step ?? 0);
  const every = options.checkpointEvery ?? Math.max(1, Math.ceil(options.steps / 10));
  const bar = session.progress('train', 'steps');
  const onStep = ({ step, measurements, state: stateOf }: TrackedStep): void => {
    if (Object.keys(measurements).length > 0) folder.append({ step: step.step, measurements });
    if (step.step > 0 && step.step !== resumed?.state.step && step.step % every === 0) folder.checkpoint(stateOf(), metadata);
    bar.update(step.step, options.steps);
  };
  const { run, state } = await runTraining(session.rt, model, data, { ...settings, resume: resumed?.state, earlier, onStep, pool: session.pool });
  bar.end();
  const checkpoint = state && folder.checkpoint(state, metadata);
  const weights = state && folder.writeWeights(writeSafetensors(stateDict(read.state, state)));
  const report = folder.write('report.json', `${JSON.stringify(run)}\n`);
  const page = folder.write('index.html', renderTrainingRun(run));
  if (run.outcome.divergence) throw divergedError(run, checkpoint);
  const last = lastMeasurements(run);
  session.finish({ run: out, report, page, weights, checkpoint, outcome: run.outcome, ...last }, [...runSummary(run), '', `report: ${page}`]);
}

/** The trackers that are asked for, each with a cadence; a run that is resumed without --track keeps its own. */
function trackersOf(options: TrainOptions, stored: TrainingRecipe | undefined): TrackerRequest[] {
  const { track, testInputs, steps } = options;
  const usual: readonly TrackerRequest[] = [...USUAL_TRACKERS, ...(testInputs ? [{ tracker: 'test' } as const] : [])];
  const requests = track ?? (stored?.trackers as readonly TrackerRequest[] | undefined) ?? usual;
  return withCadences(withTrackerFlags(requests, options), steps, stored);
}

function rateNotes({ lr, schedule = 'constant', warmup = 0, finalLr = 0 }: RateFlags): string[] {
  if (schedule === 'constant' && warmup === 0) return [];
  const fall = schedule === 'constant' ? '' : `, then ${schedule} to ${finalLr}`;
  return [`Learning rate ${lr}${warmup > 0 ? ` after ${warmup} updates of warm-up` : ''}${fall}.`];
}

/** The options of the descent itself and of its trackers. */
async function descentOf(
  session: Session,
  { spec, model }: ModelToTrain,
  options: TrainOptions & CommonOptions,
  requests: readonly TrackerRequest[],
): Promise<TrainingRunOptions> {
  const names = trainableParameters(model).map(({ name }) => name);
  const { speeds, rateFactors = {} } = options;
  const optimizer = optimizerOf({ ...options, speeds: speeds && forParameters('--speeds', speeds, names) });
  const egop = options.egop === undefined ? undefined : await readArray(options.egop);
  const { steps, batchSize, seed, loss, lossScale, samples, memoryLimit, batch: block } = options;
  return {
    learningRate: learningRateOf(session.rt, options, steps),
    notes: rateNotes(options),
    steps,
    batchSize,
    seed,
    loss,
    lossScale,
    samples,
    memoryLimit,
    block,
    optimizer,
    trackers: trackerSpecs(requests, egop),
    rateFactors: { ...mupFactors(spec, options), ...forParameters('--rate-factors', rateFactors, names) },
    dtype: session.dtype,
  };
}

function mupFactors(spec: unknown, { mup, baseWidth, optimizer }: TrainOptions): Record<string, number> {
  if (mup === undefined && baseWidth !== undefined) throw new TangedgeError('ERR_ARGUMENT', '--base-width belongs to --mup.', {});
  if (mup === undefined) return {};
  if (optimizer === 'slo') throw new TangedgeError('ERR_ARGUMENT', '--mup scales gradients; --optimizer slo takes --speeds instead.', {});
  if (spec === undefined) throw new TangedgeError('ERR_ARGUMENT', '--mup reads the roles of layers in a .json spec; an .onnx file has none.', {});
  return mupRateFactors(spec as { layers: readonly unknown[] }, { optimizer: optimizer === 'adam' ? 'adam' : 'sgd', baseWidth });
}

async function readData(session: Session, model: Model, x: string, y: string, loss: LossName = 'mse'): Promise<TrainingData> {
  const { x: inputs, n } = await readInputs(x, model);
  const targets = givenTargets(await readArray(y), n, model.output.size);
  if (targets.kind === 'labels' && loss === 'mse') session.note(`${y}: class numbers; they were made one-hot, [${n}, ${model.output.size}].`);
  return { inputs, targets: targets.values };
}

async function testDataOf(session: Session, model: Model, options: TrainOptions): Promise<{ testData?: TrainingData }> {
  const { testInputs, testTargets, loss } = options;
  if (testInputs === undefined && testTargets === undefined) return {};
  if (testInputs === undefined || testTargets === undefined) {
    throw new TangedgeError('ERR_ARGUMENT', '--test-inputs and --test-targets go together.', {});
  }
  return { testData: await readData(session, model, testInputs, testTargets, loss) };
}

function checkStep(path: string, step: number, steps: number): void {
  if (step <= steps) return;
  throw new TangedgeError('ERR_ARGUMENT', `${path}: it is at step ${step} already; --steps ${steps} is before it.`, { step, steps });
}

/** The state dict with the trained parameters in it. */
function stateDict(before: ReadonlyMap<string, Tensor>, { parameters }: TrainingState): Map<string, Tensor> {
  return new Map([...before, ...parameters]);
}

function divergedError({ outcome, config }: TrainingRun, checkpoint: string | undefined): TangedgeError {
  const { step, loss, divergence } = outcome;
  const rate = divergence?.stableRate;
  const [now, before] = [divergence?.parameterNorm, divergence?.initialParameterNorm ?? 0];
  const norm =
    typeof now === 'number' && now > 1000 * before ? `, norm of the parameters ${now.toPrecision(3)} (${before.toPrecision(3)} at step 0)` : '';
  const advice =
    rate === null || rate === undefined
      ? 'Use a smaller learning rate.'
      : `A learning rate below about ${rate.toPrecision(3)} is stable at the sharpness ${divergence?.sharpness?.toPrecision(3)} of step ${divergence?.lastGoodStep}; this was ${config.learningRate}.`;
  return new TangedgeError(
    'ERR_DIVERGED',
    `train: diverged at step ${step}, loss ${loss ?? 'not a number'}${norm}. ${advice} Last good checkpoint: ${checkpoint ?? 'none'}.`,
    { step, loss, ...divergence, checkpoint },
  );
}

/** The last number of every series, for programs. */
function lastMeasurements({ series }: TrainingRun): { measurements: Record<string, unknown> } {
  return { measurements: Object.fromEntries(series.map(({ key, values }) => [key, values[values.length - 1]])) };
}
