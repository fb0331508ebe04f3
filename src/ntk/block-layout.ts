/** @file Where a block of examples keeps its factors, and how large the buffers of a pair of blocks are. */

import { bytesOf, type Dtype } from '../core/tensor.ts';
import type { ValueId } from '../graph/graph.ts';
import type { Factor, Sweep } from '../graph/sweep.ts';
import { type Runtime, routinesOf } from '../wasm/runtime.ts';

/** How output indices appear in the kernel: summed or absent, as blocks of a matrix, or as separate planes. */
export type OutputLayout = 'summed' | 'blocks' | 'planes';

/** One factor matrix per block. */
export interface StoredFactor {
  readonly id: ValueId;
  /** Byte offset in the block. */
  readonly offset: number;
  readonly positions: number;
  readonly width: number;
  /** Entries per example: one per output, or one. */
  readonly copies: number;
}

/** Factors that share δ share its Gram: dense weight and bias, for example. */
export interface FactorGroup {
  readonly right: StoredFactor;
  readonly members: readonly { readonly factor: Factor; readonly left: StoredFactor | null }[];
}

/**
 * A block holds each distinct left and right factor once.
 *
 *   left                 [example, position, input]
 *   right, `summed`      [example, position, output, width]     one Gram of rows output·width long; no outputs where summed
 *   right, `blocks`      [example, output, position, width]     rows (example, output, position)
 *   right, `planes`      [output, example, position, width]     one matrix per output
 */
export interface BlockLayout {
  readonly lefts: readonly StoredFactor[];
  readonly rights: readonly StoredFactor[];
  readonly groups: readonly FactorGroup[];
  readonly bytes: number;
  /** Bytes of the two Grams of a pair of sub-blocks, and their products' scratch. */
  readonly pairBytes: number;
}

interface Sizes {
  readonly tileSize: number;
  readonly outputs: number;
  readonly layout: OutputLayout;
  readonly dtype: Dtype;
}

/** Rows of a Gram buffer: large enough for full speed, small enough for the cache. */
const GRAM_ROWS = 1024;

/** Examples per side of a Gram buffer whose examples have `rowsPerExample` rows. */
export function subBlock(tileSize: number, rowsPerExample: number): number {
  return Math.max(1, Math.min(tileSize, Math.floor(GRAM_ROWS / rowsPerExample)));
}

export function blockLayout(rt: Runtime, sweep: Sweep, { tileSize, outputs, layout, dtype }: Sizes): BlockLayout {
  const lefts = new Map<ValueId, StoredFactor>();
  const rights = new Map<ValueId, StoredFactor>();
  let bytes = 0;
  const store = (map: Map<ValueId, StoredFactor>, id: ValueId, positions: number, width: number, copies: number): StoredFactor => {
    const known = map.get(id);
    if (known) return known;
    const stored = { id, offset: bytes, positions, width, copies };
    bytes += Math.ceil((tileSize * positions * width * copies * bytesOf(dtype)) / 64) * 64;
    map.set(id, stored);
    return stored;
  };
  const groups = new Map<ValueId, FactorGroup & { members: { factor: Factor; left: StoredFactor | null }[] }>();
  for (const factor of sweep.factors) {
    const left = factor.left === null ? null : store(lefts, factor.left, factor.positions, factor.leftWidth, 1);
    const right = store(rights, factor.right, factor.positions, factor.rightWidth, factor.outputs === 'summed' ? 1 : outputs);
    const group = groups.get(factor.right) ?? { right, members: [] };
    group.members.push({ factor, left });
    groups.set(factor.right, group);
  }
  const routines = routinesOf(rt, dtype);
  let pairBytes = 0;
  for (const { right, members } of groups.values()) {
    const perExample = right.positions * (layout === 'blocks' ? outputs : 1);
    const q = subBlock(tileSize, perExample);
    const rows = q * perExample;
    const width = right.width * (layout === 'summed' ? right.copies : 1);
    const leftRows = q * right.positions;
    const leftWidth = Math.max(0, ...members.map(({ left }) => left?.width ?? 0));
    const products = [
      routines.gemmScratchBytes(rows, rows, width),
      routines.gramScratchBytes(rows, width),
      routines.gemmScratchBytes(leftRows, leftRows, leftWidth),
      routines.gramScratchBytes(leftRows, leftWidth),
    ];
    const grams = (rows * rows + leftRows * leftRows) * bytesOf(dtype);
    pairBytes = Math.max(pairBytes, grams + Math.max(...products) + 1024);
  }
  return { lefts: [...lefts.values()], rights: [...rights.values()], groups: [...groups.values()], bytes, pairBytes };
}
