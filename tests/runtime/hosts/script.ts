/** @file The cases in Node, Deno and Bun: prints the digests as JSON. `RELEASE=FILE` takes other routines for the built-in ones, `ONE=1` runs the first setting alone. */

import { readFileSync } from 'node:fs';
import { SETTINGS } from '../case.ts';
import { measure } from '../measure.ts';

const { RELEASE, ONE } = process.env;
const settings = ONE ? SETTINGS.slice(0, 1) : SETTINGS;
process.stdout.write(JSON.stringify(await measure(RELEASE === undefined ? undefined : readFileSync(RELEASE), settings)));
