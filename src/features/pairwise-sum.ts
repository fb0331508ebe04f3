/** @file Sums of arrays over numbered leaves in one binary tree, so that neither tiles nor their order of arrival change a bit. */

/** The leaves index·2^level … (index + 1)·2^level − 1, which is one node of the tree. */
export interface TreeNode {
  readonly level: number;
  readonly index: number;
}

/** The largest nodes that make up the leaves `first` ≤ leaf < `last`, in leaf order: at most 2·log₂ of them. */
export function nodesOfRun(first: number, last: number): TreeNode[] {
  const nodes: TreeNode[] = [];
  let leaf = first;
  while (leaf < last) {
    let level = 0;
    let span = 1;
    while (leaf % (2 * span) === 0 && leaf + 2 * span <= last) {
      span *= 2;
      level++;
    }
    nodes.push({ level, index: leaf / span });
    leaf += span;
  }
  return nodes;
}

/**
 * A sum under way: nodes come in any order, and siblings are joined as soon as both are there.
 *
 *   level 2   |       0       |       1 …
 *   level 1   |   0   |   1   |   2 …
 *   level 0   | 0 | 1 | 2 | 3 | 4 …        leaves
 *
 * Leaves in order: at most log₂(leaves) + 1 arrays are held.
 */
export class PairwiseSum {
  private readonly sums = new Map<string, Float64Array>();

  /** Number of arrays held. */
  get size(): number {
    return this.sums.size;
  }

  /** Adds the sum of one node, which is only lent. */
  add(node: TreeNode, sum: Float64Array): void {
    const other = this.takeSibling(node);
    if (other === undefined) this.keep(node, sum.slice());
    else this.join(node, addInto(other, sum));
  }

  /** Adds the sum of one node, and keeps and overwrites the array. */
  give(node: TreeNode, sum: Float64Array): void {
    const other = this.takeSibling(node);
    if (other === undefined) this.keep(node, sum);
    else this.join(node, addInto(sum, other));
  }

  private join({ level, index }: TreeNode, sum: Float64Array): void {
    this.give({ level: level + 1, index: Math.floor(index / 2) }, sum);
  }

  private keep({ level, index }: TreeNode, sum: Float64Array): void {
    this.sums.set(`${level}:${index}`, sum);
  }

  private takeSibling({ level, index }: TreeNode): Float64Array | undefined {
    const sibling = `${level}:${index % 2 === 0 ? index + 1 : index - 1}`;
    const other = this.sums.get(sibling);
    this.sums.delete(sibling);
    return other;
  }

  /** The sum of the leaves of one node that has been added, joined or not. */
  of({ level, index }: TreeNode): Float64Array {
    const sum = this.sums.get(`${level}:${index}`);
    if (sum === undefined) throw new RangeError(`no sum of node ${index} at level ${level}`);
    return sum;
  }

  /** The sum of `leaves` leaves, all added: what could not be joined is added from the right, the smallest subtrees first. */
  total(leaves: number): Float64Array {
    return nodesOfRun(0, leaves)
      .map((node) => this.of(node))
      .reduceRight((total, sum) => addInto(sum, total));
  }
}

function addInto(into: Float64Array, from: Float64Array): Float64Array {
  for (let i = 0; i < into.length; i++) into[i] += from[i];
  return into;
}
