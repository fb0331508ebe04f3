/** @file The cases in Node, Deno and Bun: prints the digests as JSON. `RELEASE=FILE` takes other routines for the built-in ones, `FIRST=N` runs the first N settings, `FUSED=1` fused mode. */

import { readFileSync } from 'node:fs';
import { SETTINGS } from '../case.ts';
import { measure } from '../measure.ts';

const { RELEASE, FIRST = SETTINGS.length, FUSED } = process.env;
const release = FUSED ? 'fused' : RELEASE === undefined ? undefined : readFileSync(RELEASE);
process.stdout.write(JSON.stringify(await measure(release, Number(FIRST))));
