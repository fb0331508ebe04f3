/** @file What `analyze` and `demo` have in common: run the pipeline, write report.json and index.html, and say what was found. */

import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import type { AnalysisOptions, AnalysisRequest } from '../analysis/analyze.ts';
import type { Report, Source } from '../analysis/report.ts';
import { renderReport } from '../report/html.ts';
import { terminalSummary } from '../report/terminal.ts';
import { readBytes } from './array-files.ts';
import type { OutputFolder } from './output-files.ts';
import type { Session } from './session.ts';

export const REPORT_FILES = ['report.json', 'index.html'] as const;

/** A file that went in, by its name alone, so that the report does not depend on where it lay. */
export function sourceOf(role: Source['role'], path: string): Source {
  const bytes = readBytes(path);
  return { role, name: basename(path), bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
}

/** Analyzes, writes both files of the report, and prints where they are. */
export async function writeAnalysis(session: Session, folder: OutputFolder, request: AnalysisRequest, options: AnalysisOptions): Promise<void> {
  const { pool, dtype, checkpoint, progress, finish } = session;
  const bar = progress('analyze');
  const report = await pool.analyze(request, {
    ...options,
    dtype,
    checkpoint,
    memoryLimit: session.options.memoryLimit,
    onProgress: ({ stage, fraction }) => bar.update(fraction, 1, stage),
  });
  const page = renderReport(report);
  bar.end();
  const json = folder.write('report.json', `${JSON.stringify(report)}\n`);
  const html = folder.write('index.html', page);
  finish({ report: json, page: html, ...headline(report) }, [...terminalSummary(report), '', `report: ${html}`]);
}

/** The numbers one asks for first. */
function headline({ data, kernel, alignment, dynamics, signatures }: Report): Record<string, unknown> {
  return {
    samples: data.samples,
    loss: data.targets?.loss ?? null,
    accuracy: data.targets?.accuracy ?? null,
    kernelTargetAlignment: alignment?.kernelTargetAlignment ?? null,
    centeredKernelAlignment: alignment?.centeredKernelAlignment ?? null,
    effectiveRank: kernel.ranks.effectiveRank,
    maxStableLearningRate: dynamics.maxStableLearningRate,
    signatures,
  };
}
