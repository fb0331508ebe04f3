/** @file Lets this process compile the fused modules: importing it sets the flag that Node 20 wants. */

import { setFlagsFromString } from 'node:v8';

if (Number.parseInt(process.versions.node, 10) < 22) setFlagsFromString('--experimental-wasm-relaxed-simd');
