/** @file The cases in Node, Deno and Bun: prints the digests as JSON. `RELEASE=FILE` takes other routines for the built-in ones, `ONE=1` runs the first setting alone, `FUSED=1` fused mode. */

import { readFileSync } from 'node:fs';
import { SETTINGS } from '../case.ts';
import { measure } from '../measure.ts';

const { RELEASE, ONE, FUSED } = process.env;
const release = FUSED ? 'fused' : RELEASE === undefined ? undefined : readFileSync(RELEASE);
const settings = ONE ? SETTINGS.slice(0, 1) : SETTINGS;
process.stdout.write(JSON.stringify(await measure(release, settings)));
