/** @file The compiled module where bytes may not be compiled (workerd): imported, and compiled when the program is loaded. */

import module from '../../build/routines.wasm';

/** The release module. */
export function builtInModule(): WebAssembly.Module {
  return module;
}
