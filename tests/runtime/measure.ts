/** @file Runs the cases in every setting and digests their outputs; this is what each runtime executes. */

import { loadRuntime, type WasmSource } from 'tangedge';
import debugModule from '../../build/routines.debug.wasm';
import { type Case, describeSetting, SETTINGS, type Setting } from './case.ts';
import { allCases } from './cases.ts';
import { digestOf } from './digest.ts';

/** digest by case by setting by dtype: `measured.f64['release, tiles of 3'].exp`. */
export type Measured = Readonly<Record<'f64' | 'f32', Readonly<Record<string, Readonly<Record<string, string>>>>>>;

/** @param release the module to take for the one that is built into the package */
export async function measure(release?: WasmSource): Promise<Measured> {
  const measured = { f64: {} as Record<string, Record<string, string>>, f32: {} as Record<string, Record<string, string>> };
  const cases = allCases();
  for (const setting of SETTINGS) {
    const rt = await loadRuntime({ source: setting.module === 'debug' ? debugModule : release });
    for (const dtype of ['f64', 'f32'] as const) {
      const digests: Record<string, string> = {};
      for (const entry of cases.filter((candidate) => runsIn(candidate, setting))) {
        digests[entry.name] = await digestOf(await entry.run({ rt, dtype, tileSize: setting.tileSize }));
      }
      measured[dtype][describeSetting(setting)] = digests;
    }
  }
  return measured;
}

function runsIn({ tiled }: Case, { tileSize }: Setting): boolean {
  return tiled || tileSize === undefined;
}
