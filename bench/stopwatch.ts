/** @file Timing: batches of at least ten milliseconds, after the engine has replaced its first code. */

/** One sample: seconds per run, over as many runs as fill a batch. */
export type Sample = () => number;

const BATCH_SECONDS = 0.01;
const WARM_UP_SECONDS = 0.25;
const WARM_UP_RUNS = 3;
/** Long enough for any number of runs. */
const WARMED_UP_SECONDS = 0.5;

/** Warms `run` up and returns what takes samples of it. */
export function stopwatch(run: () => unknown): Sample {
  const once = (): number => {
    const start = performance.now();
    run();
    return (performance.now() - start) / 1000;
  };
  let last = once();
  for (let spent = last, runs = 1; spent < WARMED_UP_SECONDS && (spent < WARM_UP_SECONDS || runs < WARM_UP_RUNS); runs++) {
    last = once();
    spent += last;
  }
  const repeats = Math.max(1, Math.ceil(BATCH_SECONDS / last));
  return () => {
    const start = performance.now();
    for (let i = 0; i < repeats; i++) run();
    return (performance.now() - start) / 1000 / repeats;
  };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
