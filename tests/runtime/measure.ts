/** @file Runs the cases in every setting and digests their outputs; this is what each runtime executes. */

import {
  agop,
  createPool,
  empiricalNtk,
  forward,
  inputJacobian,
  jacobian,
  loadRuntime,
  neuralFeatures,
  type Runtime,
  type WasmSource,
} from 'tangedge';
import debugModule from '../../build/routines.debug.wasm';
import { type Case, describeSetting, type Quantities, SETTINGS, type Setting } from './case.ts';
import { allCases } from './cases.ts';
import { digestOf } from './digest.ts';

/** digest by case by setting by dtype: `measured.f64['release, tiles of 3'].exp`. */
export type Measured = Readonly<Record<'f64' | 'f32', Readonly<Record<string, Readonly<Record<string, string>>>>>>;

/**
 * @param release the module to take for the one that is built into the package; `fused` is fused mode
 * @param first how many of the settings; fused mode has no debug build
 */
export async function measure(release: WasmSource | 'fused' | undefined, first: number): Promise<Measured> {
  const measured = { f64: {} as Record<string, Record<string, string>>, f32: {} as Record<string, Record<string, string>> };
  const cases = allCases();
  for (const setting of SETTINGS.slice(0, first)) {
    const mode = release === 'fused' ? { fused: true } : { source: setting.module === 'debug' ? debugModule : release };
    const rt = await loadRuntime(mode);
    const pool = setting.workers === undefined ? undefined : await createPool({ workers: setting.workers, ...mode });
    for (const dtype of ['f64', 'f32'] as const) {
      const digests: Record<string, string> = {};
      for (const entry of cases.filter((candidate) => runsIn(candidate, setting))) {
        digests[entry.name] = await digestOf(await entry.run({ rt, dtype, tileSize: setting.tileSize, tiled: pool ?? inThisThread(rt), pool }));
      }
      measured[dtype][describeSetting(setting)] = digests;
    }
    await pool?.close();
  }
  return measured;
}

function runsIn({ parts }: Case, { tileSize, workers }: Setting): boolean {
  const threads = workers === undefined || parts === 'pooled' || parts === 'threads';
  const tiles = tileSize === undefined || parts === 'pooled' || parts === 'tiles';
  return threads && tiles;
}

function inThisThread(rt: Runtime): Quantities {
  return {
    forward: async (model, x, options) => forward(rt, model, x, options),
    empiricalNtk: async (model, x, options) => empiricalNtk(rt, model, x, options),
    jacobian: async (model, x, options) => jacobian(rt, model, x, options),
    inputJacobian: async (model, x, options) => inputJacobian(rt, model, x, options),
    agop: async (model, x, options) => agop(rt, model, x, options),
    neuralFeatures: async (model, x, options) => neuralFeatures(rt, model, x, options),
  };
}
