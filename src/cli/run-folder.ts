/** @file The folder of a training run: metrics.jsonl line by line, checkpoints, final weights, the report. */

import { appendFileSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Measurements } from '../analysis/training/tracker.ts';
import { TangedgeError } from '../core/errors.ts';
import type { TrainingState } from '../dynamics/training-state.ts';
import { type Checkpoint, readCheckpoint, writeCheckpoint } from '../io/checkpoint.ts';
import { REPORT_FILES } from './analysis-output.ts';
import { readBytes } from './array-files.ts';
import { inFile } from './failure.ts';
import { type OutputFolder, outputFolder } from './output-files.ts';

const METRICS = 'metrics.jsonl';
const WEIGHTS = 'weights.safetensors';
const CHECKPOINTS = 'checkpoints';

/** What was measured at a step, a line of metrics.jsonl. */
export interface MetricsLine {
  readonly step: number;
  readonly measurements: Measurements;
}

/**
 * The files of a run:
 *
 *   metrics.jsonl                         one JSON object per step at which anything was measured
 *   checkpoints/step-00000100.safetensors `writeCheckpoint`, every `--checkpoint-every` steps
 *   weights.safetensors                   the state dict at the end (after divergence: of the last good state)
 *   report.json, index.html               a TrainingRun and its page
 */
export class RunFolder {
  readonly path: string;
  private readonly folder: OutputFolder;
  private readonly checkpoints: OutputFolder;
  private readonly metrics: string;
  private kept: readonly MetricsLine[] = [];
  private started = false;

  /** @throws {TangedgeError} ERR_IO when the folder cannot take its files, or holds another run's. */
  constructor(path: string, use: 'new' | 'resume') {
    this.path = path;
    this.metrics = join(path, METRICS);
    this.folder = outputFolder(path, [METRICS, WEIGHTS, ...REPORT_FILES]);
    this.checkpoints = outputFolder(join(path, CHECKPOINTS), []);
    if (use === 'new' && existsSync(this.metrics)) {
      throw new TangedgeError('ERR_IO', `${path}: it holds a run already. Name another folder with --out, or go on with it by --resume ${path}.`, {
        path,
      });
    }
  }

  /** The lines before `step` that are there: those this run goes on from. Nothing is written before the first `append`. */
  linesBefore(step: number): readonly MetricsLine[] {
    this.kept = existsSync(this.metrics) ? this.readMetrics().filter((line) => line.step < step) : [];
    return this.kept;
  }

  append(line: MetricsLine): void {
    if (this.started) {
      appendFileSync(this.metrics, metricsText(line));
      return;
    }
    this.folder.write(METRICS, [...this.kept, line].map(metricsText).join(''));
    this.started = true;
  }

  checkpoint(state: TrainingState, metadata: ReadonlyMap<string, string>): string {
    return this.checkpoints.write(checkpointName(state.step), writeCheckpoint(state, metadata));
  }

  write(name: string, contents: Uint8Array | string): string {
    return this.folder.write(name, contents);
  }

  writeWeights(bytes: Uint8Array): string {
    return this.folder.write(WEIGHTS, bytes);
  }

  private readMetrics(): MetricsLine[] {
    const lines = readFileSync(this.metrics, 'utf8').split('\n');
    // A run that was killed may have left half a line at the end.
    return lines.flatMap((text, index) => {
      if (text === '') return [];
      try {
        const { step, ...measurements } = JSON.parse(text) as { step: number } & Measurements;
        return [{ step, measurements }];
      } catch (cause) {
        if (index === lines.length - 1) return [];
        throw new TangedgeError('ERR_FORMAT', `${this.metrics}: line ${index + 1} is not JSON.`, { path: this.metrics, line: index + 1 }, { cause });
      }
    });
  }
}

/**
 * The newest checkpoint of a run's folder, or the checkpoint file itself.
 *
 * @throws {TangedgeError} ERR_IO when there is none · ERR_FORMAT
 */
export function newestCheckpoint(path: string): Checkpoint & { readonly path: string } {
  const file = path.endsWith('.safetensors') ? path : newestFile(path);
  try {
    return { ...readCheckpoint(readBytes(file)), path: file };
  } catch (error) {
    throw inFile(file, error);
  }
}

function newestFile(path: string): string {
  const folder = join(path, CHECKPOINTS);
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => /^step-\d+\.safetensors$/.test(name)) : [];
  const newest = names.sort().at(-1);
  if (newest === undefined) throw new TangedgeError('ERR_IO', `${path}: there is no checkpoint in it (${CHECKPOINTS}/step-….safetensors).`, { path });
  return join(folder, newest);
}

function checkpointName(step: number): string {
  return `step-${String(step).padStart(8, '0')}.safetensors`;
}

function metricsText({ step, measurements }: MetricsLine): string {
  return `${JSON.stringify({ step, ...measurements })}\n`;
}
