/** @file The page of a run: rates over n, and how much longer every peer takes. */

import { VERSION } from '../src/core/version.ts';
import type { Curve, Figure } from '../src/experiments/experiment-report.ts';
import { figurePlot } from '../src/report/figure.ts';
import { type Markup, markup } from '../src/report/markup.ts';
import { pageOf } from '../src/report/page.ts';
import { table } from '../src/report/panel.ts';
import type { Result } from './compare.ts';
import type { Verdict } from './goal.ts';
import type { Machine } from './machine.ts';
import type { Startup } from './startup.ts';
import { share, time } from './table.ts';

/** A goal of a row or a check. */
export type NamedVerdict = Verdict & { readonly name: string };

export interface BenchRecord {
  readonly machine: Machine;
  readonly run: string;
  readonly startup: Startup;
  readonly openblas: string | null;
  readonly verdicts: readonly NamedVerdict[];
  readonly results: readonly Result[];
  readonly skipped: readonly string[];
}

export function resultsPage({ machine, run, startup, openblas, verdicts, results, skipped }: BenchRecord): string {
  const rates = (['f32', 'f64'] as const).map((dtype) => figurePlot(rateFigure(results, dtype), { width: 376, height: 320 }));
  const ratios = figurePlot(ratioFigure(results), { width: 760, height: 420 });
  return pageOf(
    { title: `tangedge ${machine.commit}: benchmark`, version: VERSION },
    markup`<h1>How fast</h1>
<p class="subject">tangedge ${machine.commit} · ${machine.cpu}, ${machine.cores} cores · ${machine.runtime} · one thread · ${run} run · module ${(startup.gzippedBytes / 1000).toFixed(1)} kB gzipped, compiled in ${startup.compileMilliseconds.toFixed(1)} ms</p>
<section><header><h2>Products</h2><p class="shows">GFLOP/s of C = A·B over n, and of the peers in the same run; the roof is what 128-bit multiply and add reached between the rounds.</p></header><div class="body"><div class="pair">${rates}</div></div></section>
<section><header><h2>Ratios</h2><p class="shows">The peer’s time over ours; above 1 we are faster. Medians of neighbouring rounds.</p></header><div class="body">${ratios}${ratioTable(results)}</div></section>
<section><header><h2>Goals</h2><p class="shows">What each row must reach, judged on best times.</p></header><div class="body">${goalTable(verdicts)}</div></section>
${[openblas ?? []].flat().map((note) => markup`<p class="aside">${note}</p>`)}
${skipped.map((reason) => markup`<p class="aside">skipped: ${reason}</p>`)}`,
  );
}

function rateFigure(results: readonly Result[], dtype: 'f32' | 'f64'): Figure {
  const products = results.filter(({ name }) => name.startsWith(`gemm ${dtype} `));
  const size = ({ name }: Result) => Number(name.split(' ')[2]);
  const rate = (flops: number | undefined, seconds: number) => (flops ?? 0) / seconds / 1e9;
  const names = [...new Set(products.flatMap(({ peers }) => peers.map(({ name }) => name)))];
  const curve = (name: string, points: readonly (readonly [number, number])[], mark: Curve['mark']): Curve => ({
    name,
    x: points.map(([n]) => n),
    y: points.map(([, value]) => value),
    mark,
  });
  return {
    title: `C = A·B in ${dtype}`,
    xLabel: 'n',
    yLabel: 'GFLOP/s',
    xScale: 'log',
    yScale: 'log',
    curves: [
      curve(
        'tangedge',
        products.map((row) => [size(row), rate(row.flops, row.ours.best)]),
        'line-points',
      ),
      curve(
        'roof of 128-bit SIMD',
        products.map((row) => [size(row), rate(row.flops, row.ours.best) / (row.roofShare ?? 1)]),
        'dashed',
      ),
      ...names.map((name) =>
        curve(
          name,
          products.flatMap((row) => row.peers.filter((peer) => peer.name === name).map((peer) => [size(row), rate(row.flops, peer.best)] as const)),
          'line-points',
        ),
      ),
    ],
    bands: [],
    levels: [],
  };
}

function ratioFigure(results: readonly Result[]): Figure {
  const names = [...new Set(results.flatMap(({ peers }) => peers.map(({ name }) => name)))];
  return {
    title: 'The peer’s time over ours',
    xLabel: 'row of the table below',
    yLabel: 'ratio',
    xScale: 'linear',
    yScale: 'log',
    curves: names.map((name) => {
      const points = results.flatMap(({ peers }, row) => peers.filter((peer) => peer.name === name).map(({ ratio }) => [row + 1, ratio] as const));
      return { name, x: points.map(([row]) => row), y: points.map(([, ratio]) => ratio), mark: 'points' };
    }),
    bands: [],
    levels: [{ name: 'as fast', value: 1 }],
  };
}

function ratioTable(results: readonly Result[]): Markup {
  return table(
    'Every row with its peers',
    [
      { head: '', align: 'right' },
      { head: 'row' },
      { head: 'ours, best', align: 'right' },
      { head: 'GFLOP/s', align: 'right' },
      { head: 'of the roof', align: 'right' },
      { head: 'peers, their time over ours' },
    ],
    results.map(({ name, ours, flops, roofShare, peers }, row) => [
      String(row + 1),
      name,
      time(ours.best),
      flops ? (flops / ours.best / 1e9).toFixed(1) : '',
      share(roofShare),
      peers.map((peer) => `${peer.name} ${peer.ratio.toPrecision(3)}×`).join(', '),
    ]),
  );
}

function goalTable(verdicts: readonly NamedVerdict[]): Markup {
  return table(
    'Every goal',
    [{ head: 'row' }, { head: 'goal' }, { head: 'measured', align: 'right' }, { head: 'met' }],
    verdicts.map(({ name, goal, measured, met, atRoof }) => [
      name,
      goal,
      measured,
      met === null ? '' : met ? 'yes' : atRoof === undefined ? 'no' : `no; the roof itself: ${atRoof}`,
    ]),
  );
}
