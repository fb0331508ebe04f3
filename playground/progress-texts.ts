/** @file Progress in words: the stage, its tiles with their rate, and the time that is left. */

import type { AnalysisProgress } from 'tangedge';
import { duration } from '../src/cli/progress-bar.ts';

/** @param seconds since the analysis began */
export function progressTexts({ stage, fraction, tiles }: AnalysisProgress, seconds: number): { stage: string; tiles: string; time: string } {
  const rate = tiles?.tilesPerSecond ?? null;
  return {
    stage: `${Math.floor(100 * fraction)} %, ${stage}`,
    tiles:
      tiles === undefined
        ? ''
        : `${tiles.tilesDone} of ${tiles.tiles} tiles${rate === null ? '' : `, ${rate < 10 ? rate.toFixed(1) : rate.toFixed(0)} per second`}`,
    time: fraction > 0 && fraction < 1 && seconds > 0 ? `${duration((seconds * (1 - fraction)) / fraction)} left` : '',
  };
}
