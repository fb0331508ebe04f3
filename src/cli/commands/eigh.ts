/** @file `tangedge eigh`: eigenvalues and eigenvectors of a symmetric kernel. */

import type { Command } from 'commander';
import { formatShape, type Tensor } from '../../core/tensor.ts';
import { writeNpy } from '../../io/npy.ts';
import { blockMatrix } from '../../linalg/block-matrix.ts';
import type { Eigenvalues, Eigenvectors } from '../../linalg/eigh.ts';
import { type TopEigenpairs, topEigenpairs } from '../../linalg/top-eigenpairs.ts';
import { readArray } from '../array-files.ts';
import { defineCommand } from '../command.ts';
import { inFile } from '../failure.ts';
import { once, plainText, wholeNumber } from '../option-values.ts';
import { checkDistinct, outputFile } from '../output-files.ts';
import type { Session } from '../session.ts';

interface EighOptions {
  readonly values: string;
  readonly vectors?: string;
  readonly top?: number;
}

export function eighCommand(): Command {
  return defineCommand<EighOptions>({
    name: 'eigh',
    summary: 'eigenvalues and eigenvectors of a symmetric kernel',
    operands: { '<kernel>': '[n, n], or a full kernel [n, n, c, c]: .npy, or .npz:NAME' },
    declare: (command) =>
      command
        .option('--values <W.npy>', 'where the eigenvalues go: ascending; with --top, largest first', once(plainText))
        .option('--vectors <V.npy>', 'where the eigenvectors go: column k belongs to value k', once(plainText))
        .option('--top <K>', 'only the K largest', once(wholeNumber(1))),
    required: ['values'],
    acts: ['dtype', 'workers'],
    async run(session, options, path) {
      const values = outputFile(options.values);
      const vectors = options.vectors === undefined ? undefined : outputFile(options.vectors);
      checkDistinct(vectors ? [values, vectors] : [values]);
      const kernel = await readArray(path);
      const pairs = await decompose(session, kernel, path, options);
      const count = pairs.values.length;
      values.write(writeNpy({ shape: [count], data: pairs.values }));
      if (vectors && pairs.vectors) vectors.write(writeNpy(pairs.vectors));
      const [first, last] = [pairs.values[0], pairs.values[count - 1]];
      const order = options.top ? 'descending' : 'ascending';
      const found = 'method' in pairs ? { method: pairs.method, residual: Math.max(...pairs.residuals) } : undefined;
      session.finish({ values: values.path, vectors: vectors?.path, shape: [count], first, last, order, ...found }, [
        `${values.path}: ${count} eigenvalues, ${first.toPrecision(6)} … ${last.toPrecision(6)}`,
        ...(found ? [`method ${found.method}, largest residual ${found.residual.toPrecision(3)}`] : []),
        ...(vectors ? [`${vectors.path}: eigenvectors ${formatShape(pairs.vectors?.shape ?? [])}, column k belongs to value k`] : []),
      ]);
    },
  });
}

async function decompose(
  { rt, pool, dtype }: Session,
  kernel: Tensor,
  path: string,
  { top, vectors }: EighOptions,
): Promise<(Eigenvalues & Partial<Eigenvectors>) | TopEigenpairs> {
  try {
    const matrix = kernel.shape.length === 4 ? blockMatrix(kernel) : kernel;
    if (top !== undefined) return topEigenpairs(rt, matrix, top, { dtype });
    return await pool.eigh(matrix, { dtype, vectors: vectors !== undefined });
  } catch (error) {
    throw inFile(path, error);
  }
}
