/** @file A progress bar on a terminal: share done, rate and time left, redrawn at most ten times a second. */

export interface ProgressBar {
  /** `stage` says what is being done, when that changes. */
  update(done: number, total: number, stage?: string): void;
  /** Clears the line. */
  end(): void;
}

/** Where the bar is drawn, and the clock it reads (milliseconds). */
export interface ProgressScreen {
  write(text: string): void;
  now(): number;
  readonly columns: number;
}

const REDRAW_MS = 100;
const BAR_CELLS = 24;

/** A bar that draws on `screen`, or draws nothing when there is none. Without a `unit`, only shares and times are shown. */
export function progressBar(label: string, unit: string | undefined, screen: ProgressScreen | undefined): ProgressBar {
  if (screen === undefined) return { update: () => {}, end: () => {} };
  const start = screen.now();
  let drawn = Number.NEGATIVE_INFINITY;
  return {
    update(done, total, stage) {
      const now = screen.now();
      if (now - drawn < REDRAW_MS && done < total) return;
      drawn = now;
      screen.write(`\r${progressLine(stage ?? label, unit, done, total, (now - start) / 1000).slice(0, screen.columns - 1)}\x1b[K`);
    },
    end() {
      if (drawn > Number.NEGATIVE_INFINITY) screen.write('\r\x1b[K');
    },
  };
}

/** `ntk ████████░░░░ 33 %  12/36 tiles  4.1 tiles/s  6 s left` */
export function progressLine(label: string, unit: string | undefined, done: number, total: number, seconds: number): string {
  const share = total > 0 ? Math.min(1, done / total) : 1;
  const cells = Math.floor(share * BAR_CELLS);
  const parts = [`${label} ${'█'.repeat(cells)}${'░'.repeat(BAR_CELLS - cells)} ${Math.floor(share * 100)} %`];
  const rate = seconds > 0 ? done / seconds : 0;
  if (unit !== undefined) parts.push(`${done}/${total} ${unit}`);
  if (unit !== undefined && rate > 0) parts.push(`${rate < 10 ? rate.toFixed(1) : rate.toFixed(0)} ${unit}/s`);
  if (rate > 0 && done < total) parts.push(`${duration((total - done) / rate)} left`);
  return parts.join('  ');
}

/** `7 s`, `3 min 5 s`, `2 h 10 min`. */
export function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
