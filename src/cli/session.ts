/** @file One run of a command: its runtime, what it says on stderr, and the one result that it prints on stdout. */

import { setFlagsFromString } from 'node:v8';
import type { Dtype } from '../core/tensor.ts';
import type { TileStore } from '../core/tile-store.ts';
import { createPool, type Pool } from '../pool/pool.ts';
import { arithmeticNotes, type Runtime } from '../wasm/runtime.ts';
import { checkpointFolder } from './checkpoint-folder.ts';
import { type ProgressBar, progressBar } from './progress-bar.ts';

/** The options that every command takes. */
export interface CommonOptions {
  readonly dtype?: Dtype;
  readonly workers?: number;
  readonly memoryLimit?: number;
  readonly batch?: number;
  readonly seed?: number;
  readonly wide?: boolean;
  readonly fused?: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly parameters?: readonly string[];
  readonly freeze?: readonly string[];
  readonly output?: string;
}

export type CommonOption = keyof CommonOptions;

/** A result for programs. Typed arrays are printed as lists, numbers that are not finite as null. */
export type ResultRecord = Readonly<Record<string, unknown>>;

export interface Session {
  readonly options: CommonOptions;
  readonly dtype: Dtype;
  readonly rt: Runtime;
  /** Computes what has tiles: over --workers threads when it takes long enough to be worth starting them. */
  readonly pool: Pool;
  /** The tiles of --checkpoint. */
  readonly checkpoint: TileStore | undefined;
  /** Tells the user something on stderr, after the result, and programs in its `notes`; a failure is one line alone. */
  note(text: string): void;
  /** A bar on stderr: only on a terminal, and not with --quiet. */
  progress(label: string, unit?: string): ProgressBar;
  /** Prints the result: one JSON object with --json, else `lines` for people (none with --quiet). */
  finish(record: ResultRecord, lines: readonly string[]): void;
  /** Prints a result that is JSON for people too. */
  finishJson(record: ResultRecord): void;
  /** Ends the workers. */
  close(): Promise<void>;
}

export async function openSession(command: string, options: CommonOptions & { readonly checkpoint?: string }): Promise<Session> {
  const { dtype = 'f64', memoryLimit, wide, fused, json = false, quiet = false } = options;
  // One worker beside a thread that only waits would gain nothing.
  const workers = options.workers === 1 ? 0 : options.workers;
  if (fused) allowRelaxedSimd();
  const pool = await createPool({ workers, memoryLimit, wide, fused, smallJobs: 'inline' });
  const { rt } = pool;
  const notes: string[] = rt.wide && !rt.fused ? ['wide mode: routines on vectors of 256 bits; the results are the same.'] : [];
  for (const note of arithmeticNotes(rt)) notes.push(`${note} Products are ${rt.speedup.toFixed(1)} times as fast here.`);
  const checkpoint =
    options.checkpoint === undefined
      ? undefined
      : checkpointFolder(options.checkpoint, (tiles, of) => {
          if (tiles > 0) notes.push(`${tiles} of ${of} tiles came from the checkpoint ${options.checkpoint}.`);
        });
  const start = performance.now();
  const complete = (record: ResultRecord): ResultRecord => ({
    command,
    ...record,
    seconds: Math.round(performance.now() - start) / 1000,
    notes,
  });
  const print = (text: string) => {
    process.stdout.write(`${text}\n`);
    if (!quiet) for (const note of notes) process.stderr.write(`tangedge: note: ${note}\n`);
  };
  return {
    options,
    dtype,
    rt,
    pool,
    checkpoint,
    close: () => pool.close(),
    note(text) {
      notes.push(text);
    },
    progress(label, unit) {
      const { stderr } = process;
      const visible = stderr.isTTY && !quiet;
      return progressBar(
        label,
        unit,
        visible ? { write: (text) => stderr.write(text), now: () => performance.now(), columns: stderr.columns || 80 } : undefined,
      );
    },
    finish(record, lines) {
      if (json) print(JSON.stringify(complete(record), plainJson));
      else if (!quiet) print(lines.join('\n'));
    },
    finishJson(record) {
      print(JSON.stringify(complete(record), plainJson, json ? undefined : 2));
    },
  };
}

/** Node 20 has relaxed SIMD behind a flag of V8, for the whole process; who types --fused asks for it. */
function allowRelaxedSimd(): void {
  if (Number.parseInt(process.versions.node, 10) < 22) setFlagsFromString('--experimental-wasm-relaxed-simd');
}

function plainJson(_key: string, value: unknown): unknown {
  return value instanceof Float64Array || value instanceof Float32Array ? Array.from(value) : value;
}
