/** @file Where a block of examples keeps its factors, and how large the buffers of a pair of blocks are. */

import { bytesOf, type Dtype } from '../core/tensor.ts';
import type { ValueId } from '../graph/graph.ts';
import { zerosOf } from '../graph/shared-zeros.ts';
import { type Factor, isOnePerExample, type OutputForm, type Sweep } from '../graph/sweep.ts';
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
  /** Examples with entries of their own: those of a block, or 1 where all share them. */
  readonly examples: number;
  /** Entries per example: one per output, or one. */
  readonly copies: number;
  readonly outputs: OutputForm;
  /** Whether an example's entries are zero at the same places. */
  readonly sharesZeros: boolean;
}

/** Factors that share δ share its Gram: dense weight and bias, for example. */
export interface FactorGroup {
  readonly right: StoredFactor;
  /** The images whose products with right, both ways, are wanted instead of right's with itself. */
  readonly partner: StoredFactor | null;
  /** The cotangents that right, `switched`, switches off. */
  readonly output: StoredFactor | null;
  readonly members: readonly { readonly factor: Factor; readonly left: StoredFactor | null }[];
}

/**
 * A block holds each distinct left and right factor once.
 *
 *   left, partner        [example, position, input]
 *   right, `summed`      [example, position, output, width]     one Gram of rows output·width long; no outputs where summed
 *   right, `blocks`      [example, output, position, width]     rows (example, output, position)
 *          exchangeable  [output, example, width]               one matrix per output, as `planes`
 *          switched      [example, width]                       and, for all of them, output [output, width]
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
  const ofOutputs = new Map<ValueId, StoredFactor>();
  let bytes = 0;
  const store = (
    map: Map<ValueId, StoredFactor>,
    id: ValueId | null | undefined,
    width: number,
    { positions }: Factor,
    { examples = tileSize, copies = 1, outputs: form = 'each' as OutputForm } = {},
  ): StoredFactor | null => {
    if (id === null || id === undefined) return null;
    const known = map.get(id);
    if (known) return known;
    const sharesZeros = zerosOf((value) => sweep.graph.nodes[value], id) !== null;
    const stored = { id, offset: bytes, positions, width, examples, copies, outputs: form, sharesZeros };
    bytes += Math.ceil((examples * positions * width * copies * bytesOf(dtype)) / 64) * 64;
    map.set(id, stored);
    return stored;
  };
  const groups = new Map<ValueId, FactorGroup & { members: { factor: Factor; left: StoredFactor | null }[] }>();
  for (const factor of sweep.factors) {
    const { rightWidth, outputs: form } = factor;
    const left = store(lefts, factor.left, factor.leftWidth, factor);
    const copies = isOnePerExample(form) ? 1 : outputs;
    const right = store(rights, factor.right, rightWidth, factor, { copies, outputs: form }) as StoredFactor;
    const partner = store(lefts, factor.partner, rightWidth, factor);
    const output = store(ofOutputs, factor.output, rightWidth, factor, { examples: 1, copies: outputs });
    const group = groups.get(factor.right) ?? { right, partner, output, members: [] };
    group.members.push({ factor, left });
    groups.set(factor.right, group);
  }
  const routines = routinesOf(rt, dtype);
  let pairBytes = 0;
  for (const { right, output, members } of groups.values()) {
    const perExample = right.positions * (layout === 'blocks' ? outputs : 1);
    const q = subBlock(tileSize, perExample);
    const rows = q * perExample;
    const width = right.width * (layout === 'summed' ? right.copies : 1);
    const leftRows = q * right.positions;
    const leftWidth = Math.max(0, ...members.map(({ left }) => left?.width ?? 0));
    const products = [
      routines.gemmOwnZerosScratchBytes(rows, rows, width),
      routines.gemmOwnZerosScratchBytes(leftRows, leftRows, leftWidth),
      routines.gemmSharedZerosScratchBytes(rows, width),
    ];
    if (output !== null) products.push(routines.switchedProductsScratchBytes(q, q, outputs, width));
    // Products of exchangeable outputs stand in a buffer of their own before they are placed.
    const exchanged = right.outputs === 'exchangeable' ? q * tileSize * ((outputs * (outputs + 1)) / 2) + 64 * outputs : 0;
    if (exchanged > 0) products.push(routines.gemmScratchBytes(q, outputs * tileSize, width));
    const grams = (rows * rows + leftRows * leftRows + exchanged) * bytesOf(dtype);
    pairBytes = Math.max(pairBytes, grams + Math.max(...products) + 1024);
  }
  return { lefts: [...lefts.values()], rights: [...rights.values(), ...ofOutputs.values()], groups: [...groups.values()], bytes, pairBytes };
}
