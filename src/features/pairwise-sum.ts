/** @file Sums of arrays over numbered leaves in one binary tree, so that neither tiles nor their order of arrival change a bit. */

/**
 * The sum of the leaves index·2^level … (index + 1)·2^level − 1, which is one node of the tree:
 *
 *   level 2   |       0       |       1 …
 *   level 1   |   0   |   1   |   2 …
 *   level 0   | 0 | 1 | 2 | 3 | 4 …        leaves
 */
export interface PartialSum {
  readonly level: number;
  readonly index: number;
  /** [size]; owned by whoever holds the node. */
  readonly sum: Float64Array;
}

/** Appends a node to a run of nodes in leaf order, joining siblings. At most log₂(leaves) + 1 arrays are held. */
export function appendPartialSum(run: PartialSum[], node: PartialSum): void {
  let last = node;
  while (run.length > 0) {
    const left = run[run.length - 1];
    const siblings = left.level === last.level && left.index % 2 === 0 && left.index + 1 === last.index;
    if (!siblings) break;
    run.pop();
    last = { level: left.level + 1, index: left.index / 2, sum: addInto(left.sum, last.sum) };
  }
  run.push(last);
}

/** The total of all leaves: siblings joined wherever they meet, then the rest from the right, the smallest subtrees first. */
export function totalSum(nodes: readonly PartialSum[]): Float64Array {
  const run: PartialSum[] = [];
  const ordered = [...nodes].sort((a, b) => firstLeaf(a) - firstLeaf(b));
  for (const node of ordered) appendPartialSum(run, { ...node, sum: node.sum.slice() });
  return run.map(({ sum }) => sum).reduceRight((total, sum) => addInto(sum, total));
}

function firstLeaf({ level, index }: PartialSum): number {
  let leaf = index;
  for (let l = 0; l < level; l++) leaf *= 2;
  return leaf;
}

function addInto(into: Float64Array, from: Float64Array): Float64Array {
  for (let i = 0; i < into.length; i++) into[i] += from[i];
  return into;
}
