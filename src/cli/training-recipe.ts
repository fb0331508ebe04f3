/** @file The recipe of a training run: all that its bits depend on, kept in its checkpoints and compared when it is resumed. */

import { createHash } from 'node:crypto';
import type { TrainingRunOptions } from '../analysis/training/track.ts';
import { usualCadence } from '../analysis/training/trackers.ts';
import { TangedgeError } from '../core/errors.ts';
import { trainableParameters } from '../graph/model.ts';
import { writeSafetensors } from '../io/safetensors.ts';
import type { ModelToTrain } from './model-files.ts';
import type { Session } from './session.ts';
import type { RateFlags, TrackerRequest } from './training-options.ts';

/** By name, values that JSON keeps. */
export type TrainingRecipe = Readonly<Record<string, unknown>>;

/** What must be the same for a run to go on with its bits. `trackers` are resolved: each has a cadence. */
export function recipeOf(
  read: ModelToTrain,
  settings: TrainingRunOptions,
  { rates, trackers, fused }: { readonly rates: RateFlags; readonly trackers: readonly TrackerRequest[]; readonly fused: boolean },
): TrainingRecipe {
  const { optimizer, rateFactors, batchSize, seed, loss, lossScale, dtype, block, samples, sources = [] } = settings;
  const digestOf = (role: string) => sources.find((source) => source.role === role)?.sha256 ?? null;
  const egop = settings.trackers?.find((spec) => spec.tracker === 'egop');
  return {
    model: digestOf('model'),
    initialWeights: sha256(writeSafetensors(read.state)),
    trained: trainableParameters(read.model).map(({ name }) => name),
    output: read.model.output.name,
    inputs: digestOf('inputs'),
    targets: digestOf('targets'),
    testInputs: digestOf('test inputs'),
    testTargets: digestOf('test targets'),
    optimizer,
    learningRate: rates.lr,
    schedule: scheduleOf(rates, settings.steps),
    rateFactors,
    batchSize: batchSize ?? null,
    seed: seed ?? 0,
    loss: loss ?? 'mse',
    lossScale: lossScale ?? 'mean-batch',
    dtype,
    fused: fused || null,
    block: block ?? null,
    samples: samples ?? null,
    egop: egop?.tracker === 'egop' ? sha256(new Uint8Array(Float64Array.from(egop.egop.data).buffer)) : null,
    trackers,
  };
}

/** A schedule depends on where the run ends; a constant rate does not. */
function scheduleOf({ schedule = 'constant', warmup = 0, finalLr }: RateFlags, steps: number): TrainingRecipe | null {
  if (schedule === 'constant') return warmup === 0 ? null : { schedule, warmup };
  return { schedule, warmup, final: finalLr ?? 0, steps };
}

/** A tracker without a cadence keeps the one that the run began with; a new run has what is usual for its length. */
export function withCadences(requests: readonly TrackerRequest[], steps: number, stored: TrainingRecipe | undefined): TrackerRequest[] {
  const earlier = (stored?.trackers ?? []) as readonly TrackerRequest[];
  return requests.map((request) => {
    if (request.every !== undefined || request.growth !== undefined) return request;
    const before = earlier.find(({ tracker }) => tracker === request.tracker);
    const every = before === undefined || before.growth !== undefined ? usualCadence(request.tracker, steps) : before.every;
    return { ...request, every };
  });
}

/** The recipe in a checkpoint's metadata; undefined when it was not written by `tangedge train`. */
export function storedRecipe(metadata: ReadonlyMap<string, string>): TrainingRecipe | undefined {
  const text = metadata.get('recipe');
  return text === undefined ? undefined : (JSON.parse(text) as TrainingRecipe);
}

/**
 * A changed learning rate is a choice, said in a note; anything else would not be the same run.
 *
 * @throws {TangedgeError} ERR_ARGUMENT that names what differs.
 */
export function checkRecipe(session: Session, path: string, stored: TrainingRecipe, now: TrainingRecipe, step: number): void {
  for (const key of Object.keys(now)) {
    const [was, is] = [JSON.stringify(stored[key] ?? null), JSON.stringify(now[key] ?? null)];
    if (was === is) continue;
    if (key !== 'learningRate') {
      throw new TangedgeError(
        'ERR_ARGUMENT',
        `${path}: it was made with ${NAMES[key] ?? key} ${was}, not ${is}. Resume with the same files and options.`,
        {
          key,
          was,
          is,
        },
      );
    }
    session.note(`the learning rate was ${was} up to step ${step}, it is ${is} from there.`);
  }
}

const NAMES: Readonly<Record<string, string>> = { initialWeights: 'initial weights of SHA-256', model: 'a model file of SHA-256' };

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
