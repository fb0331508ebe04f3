/** @file What every tiled computation shares: its progress and its default memory limit. */

export interface Progress {
  /** Fraction of the tiles done, in [0, 1]. */
  readonly fraction: number;
  readonly tilesDone: number;
  readonly tiles: number;
  /** Tiles per second so far, without those that a checkpoint had; null while the clock has not moved. */
  readonly tilesPerSecond: number | null;
  /** At that rate; null while it is not known. */
  readonly secondsLeft: number | null;
}

export type OnProgress = (progress: Progress) => void;

/** Bytes, WebAssembly and JavaScript together, that a computation may use unless told otherwise: 4 GiB. */
export const DEFAULT_MEMORY_LIMIT = 4 * 1024 * 1024 * 1024;

/** Counts tiles and reports each of them: call the result with the number just done. `known` tiles were there before. */
export function tileProgress(tiles: number, onProgress: OnProgress | undefined, known = 0): (done: number) => void {
  if (onProgress === undefined) return () => {};
  const start = performance.now();
  let tilesDone = known;
  return (done) => {
    tilesDone += done;
    const seconds = (performance.now() - start) / 1000;
    const tilesPerSecond = seconds > 0 && tilesDone > known ? (tilesDone - known) / seconds : null;
    const secondsLeft = tilesPerSecond === null ? null : (tiles - tilesDone) / tilesPerSecond;
    onProgress({ fraction: tilesDone / tiles, tilesDone, tiles, tilesPerSecond, secondsLeft });
  };
}
