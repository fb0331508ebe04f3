/** @file The cases in a browser: `window.measure()`. */

import { measure } from '../measure.ts';

Object.assign(globalThis, { measure });
