/** @file The cases in Node, Deno and Bun: prints the digests as JSON. `RELEASE=FILE` takes other routines for the built-in ones. */

import { readFileSync } from 'node:fs';
import { measure } from '../measure.ts';

const { RELEASE } = process.env;
process.stdout.write(JSON.stringify(await measure(RELEASE === undefined ? undefined : readFileSync(RELEASE))));
