/** @file What a row must reach, and whether it does: judged on the best times of one run. */

import type { PeerTiming, Result } from './compare.ts';
import { share, time } from './table.ts';

export interface Goal {
  /** At least this share of the roof; at most so many seconds; or at least `limit` times as fast as the fastest peer of this name. */
  readonly quantity: 'roof' | 'seconds' | { readonly peer: string };
  readonly limit: number;
  /** Of our wide mode. */
  readonly wide?: boolean;
}

export interface Verdict {
  readonly goal: string;
  readonly measured: string;
  /** null: what it needs is not here. */
  readonly met: boolean | null;
  /** What the roof itself would reach, where that misses the goal too: no code of 128-bit multiplications and additions meets it here. */
  readonly atRoof?: string;
}

export function judge({ quantity, limit, wide = false }: Goal, { ours, roofShare, roofSeconds, peers }: Omit<Result, 'goals'>): Verdict {
  const fastest = (name: string) => peers.filter((peer) => peer.name.startsWith(name)).sort((a, b) => a.best - b.best)[0] as PeerTiming | undefined;
  const us = wide ? fastest('tangedge wide') : { ...ours, roofShare };
  const who = wide ? 'wide, ' : '';
  const atRoof = wide ? undefined : roofSeconds; // the roof is that of 128 bits
  const verdict = (
    name: string,
    ofUs: number | undefined,
    ofRoof: number | undefined,
    reaches: (value: number) => boolean,
    show: (value: number) => string,
  ) => {
    const goal = who + name;
    if (ofUs === undefined) return { goal, measured: 'not measured', met: null };
    const measured = { goal, measured: show(ofUs), met: reaches(ofUs) };
    return ofRoof === undefined || measured.met || reaches(ofRoof) ? measured : { ...measured, atRoof: show(ofRoof) };
  };
  if (quantity === 'roof')
    return verdict(
      `roof ≥ ${share(limit)}`,
      us?.roofShare,
      undefined,
      (value) => value >= limit,
      (value) => share(value, 1),
    );
  if (quantity === 'seconds') return verdict(`≤ ${time(limit)}`, us?.best, atRoof, (value) => value <= limit, time);
  const peer = fastest(quantity.peer);
  return verdict(
    `${quantity.peer} ≥ ${limit.toPrecision(3)}×`,
    us && peer && peer.best / us.best,
    peer && atRoof && peer.best / atRoof,
    (value) => value >= limit,
    (value) => `${value.toPrecision(3)}×`,
  );
}
