/** @file `tangedge kta`: how well a kernel fits targets, as a whole and eigenvector by eigenvector. */

import type { Command } from 'commander';
import { eigenvectorAlignment } from '../../alignment/eigenvector-alignment.ts';
import { centeredKernelAlignment, kernelTargetAlignment } from '../../alignment/kernel-target-alignment.ts';
import { centerColumns, centerOverSamples, readSampleKernel } from '../../alignment/sample-kernel.ts';
import { givenTargets } from '../../analysis/given-targets.ts';
import { dtypeOf, type Tensor } from '../../core/tensor.ts';
import { effectiveRank, intrinsicDimension, participationRatio, rankAtThreshold, stableRank } from '../../linalg/effective-ranks.ts';
import { eigh } from '../../linalg/eigh.ts';
import { readArray } from '../array-files.ts';
import { defineCommand } from '../command.ts';
import { once, plainText } from '../option-values.ts';
import type { ResultRecord, Session } from '../session.ts';

interface KtaOptions {
  readonly targets: string;
  readonly centered?: boolean;
}

export function ktaCommand(): Command {
  return defineCommand<KtaOptions>({
    name: 'kta',
    summary: 'kernel-target alignment, per-eigenvector alignment and effective ranks, as JSON',
    operands: { '<kernel>': '[n, n], or a full kernel [n, n, c, c]: .npy, or .npz:NAME' },
    declare: (command) =>
      command
        .option('--targets <Y>', 'targets [n, c] or [n]; class numbers [n] with a full kernel of c > 1 outputs', once(plainText))
        .option('--centered', 'center the kernel and the targets over the samples first'),
    required: ['targets'],
    acts: [],
    async run(session, { targets: targetsPath, centered = false }, path) {
      const kernel = await readArray(path);
      const targets = targetsOf(session, kernel, await readArray(targetsPath));
      session.finishJson({ centered, targets: targets.kind, ...alignmentOf(session, kernel, targets.values, centered) });
    },
  });
}

/** A full kernel [n, n, c, c] says how many outputs there are, so class numbers can be told from values. */
function targetsOf(session: Session, kernel: Tensor, y: Tensor): ReturnType<typeof givenTargets> {
  if (kernel.shape.length === 4) return givenTargets(y, kernel.shape[0], kernel.shape[2]);
  const oneColumn = y.data.length === y.shape[0];
  if (oneColumn && new Set(y.data).size > 2 && y.data.every((value) => Number.isInteger(value) && value >= 0)) {
    session.note('the targets were taken as one real value each; if they are class numbers, give them one-hot, [n, c].');
  }
  return { values: y, kind: 'values' };
}

function alignmentOf(session: Session, kernel: Tensor, targets: Tensor, centered: boolean): ResultRecord {
  const { rt } = session;
  const alignment = (centered ? centeredKernelAlignment : kernelTargetAlignment)(rt, kernel, targets);
  const matrix = spectralProblem(kernel, targets, centered);
  const pairs = eigh(rt, matrix.kernel);
  // Eigenvalues of a kernel computed in f32 are equal when they agree to that precision.
  const spectrum = eigenvectorAlignment(pairs, matrix.targets, dtypeOf(kernel) === 'f32' ? { rtol: 1e-5 } : {});
  return {
    alignment,
    eigenvalues: spectrum.values,
    eigenvectorAlignment: spectrum.alignments,
    cumulativeAlignment: spectrum.cumulative,
    eigenspaces: spectrum.eigenspaces,
    effectiveRanks: {
      effectiveRank: effectiveRank(rt, pairs.values),
      participationRatio: participationRatio(pairs.values),
      stableRank: stableRank(pairs.values),
      intrinsicDimension: intrinsicDimension(pairs.values),
      rankAtThreshold95: rankAtThreshold(pairs.values),
    },
  };
}

/** The kernel as a matrix and targets in the same rows, both centered when asked. */
function spectralProblem(kernel: Tensor, targets: Tensor, centered: boolean): { kernel: Tensor; targets: Tensor } {
  const { m, blockSize, kernel: data } = readSampleKernel('kta', kernel, targets);
  if (!centered) return { kernel: { shape: [m, m], data }, targets };
  const [n, c = 1] = targets.shape;
  return {
    kernel: { shape: [m, m], data: centerOverSamples(data, m, blockSize) },
    targets: { shape: [n, c], data: centerColumns(targets.data, n, c) },
  };
}
