/** @file How large the blocks of a kernel are that threads share: as large as leaves none of them idle. Changes no bit. */

/** Blocks of at least this many examples: below, products run slower. */
const LEAST_TILE = 64;
/** Most blocks per thread that are worth trying. */
const MAX_BLOCKS = 4;
/** Idle time, of all threads' time, that finer blocks would not win back. */
const IDLE = 0.04;

export interface SharedWork {
  readonly n: number;
  readonly threads: number;
  /** Largest block. */
  readonly most: number;
  /** Flops of the sweeps of one example, and of one pair of examples. */
  readonly example: number;
  readonly pair: number;
}

/**
 * Examples per block of a symmetric kernel (or of the longer side of another): the largest blocks with which threads that take
 * one piece after another, sweeps first, then pairs of blocks, then blocks with themselves, end at about the same time.
 */
export function spreadTile(work: SharedWork): number {
  const { n, threads, most } = work;
  if (threads <= 1) return most;
  const least = Math.min(LEAST_TILE, Math.ceil(n / threads));
  const fewest = Math.ceil(n / most);
  let [best, leastIdle] = [most, Number.POSITIVE_INFINITY];
  for (let blocks = fewest; blocks <= Math.max(fewest, MAX_BLOCKS * threads); blocks++) {
    const tile = Math.ceil(n / blocks);
    if (tile < least) break;
    const idle = idleTime(work, blocks);
    if (idle < leastIdle) [best, leastIdle] = [tile, idle];
    if (idle < IDLE) break;
  }
  return best;
}

/** Part of the time until the last thread ends that threads wait, on average. */
function idleTime({ n, threads, example, pair }: SharedWork, blocks: number): number {
  const busy = new Float64Array(threads);
  // Most of many equal pieces go round; the last ones, to whoever ends first, also level what was uneven before.
  const give = (pieces: number, cost: number) => {
    const rounds = Math.max(0, Math.floor(pieces / threads) - 2);
    for (let thread = 0; thread < threads; thread++) busy[thread] += rounds * cost;
    for (let piece = rounds * threads; piece < pieces; piece++) busy[busy.indexOf(Math.min(...busy))] += cost;
  };
  const size = n / blocks;
  give(blocks, size * example);
  give((blocks * (blocks - 1)) / 2, size * size * pair);
  give(blocks, (size * size * pair) / 2);
  const last = Math.max(...busy);
  return 1 - busy.reduce((sum, time) => sum + time, 0) / (threads * last);
}
