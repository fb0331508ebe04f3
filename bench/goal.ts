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
}

export function judge({ quantity, limit, wide = false }: Goal, { ours, roofShare, peers }: Omit<Result, 'goals'>): Verdict {
  const fastest = (name: string) => peers.filter((peer) => peer.name.startsWith(name)).sort((a, b) => a.best - b.best)[0] as PeerTiming | undefined;
  const us = wide ? fastest('tangedge wide') : { ...ours, roofShare };
  const who = wide ? 'wide, ' : '';
  const verdict = (goal: string, value: number | undefined, met: (value: number) => boolean, show: (value: number) => string): Verdict =>
    value === undefined ? { goal: who + goal, measured: 'not measured', met: null } : { goal: who + goal, measured: show(value), met: met(value) };
  if (quantity === 'roof')
    return verdict(
      `roof ≥ ${share(limit)}`,
      us?.roofShare,
      (value) => value >= limit,
      (value) => share(value, 1),
    );
  if (quantity === 'seconds') return verdict(`≤ ${time(limit)}`, us?.best, (value) => value <= limit, time);
  const peer = fastest(quantity.peer);
  const ratio = us && peer && peer.best / us.best;
  return verdict(
    `${quantity.peer} ≥ ${limit.toPrecision(3)}×`,
    ratio,
    (value) => value >= limit,
    (value) => `${value.toPrecision(3)}×`,
  );
}
