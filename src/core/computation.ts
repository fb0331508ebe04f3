/** @file What every tiled computation shares: its progress and its default memory limit. */

export interface Progress {
  /** Fraction of the tiles done, in [0, 1]. */
  readonly fraction: number;
  readonly tilesDone: number;
  readonly tiles: number;
}

/** Bytes, WebAssembly and JavaScript together, that a computation may use unless told otherwise: 4 GiB. */
export const DEFAULT_MEMORY_LIMIT = 4 * 1024 * 1024 * 1024;
