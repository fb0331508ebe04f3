/** @file What a name of an ONNX graph stands for during import. */

import type { Tensor } from '../../core/tensor.ts';
import type { ValueId } from '../../graph/graph.ts';
import type { BatchAxis } from './batch-axis.ts';
import type { Extent } from './extent.ts';

/** A small array known at import: shape arithmetic, indices, numbers of formulas. Elements may be linear in N. */
export interface KnownValue {
  readonly kind: 'known';
  readonly type: 'integer' | 'float';
  readonly shape: readonly number[];
  readonly elements: readonly Extent[];
}

/** A float initializer that no operator has used yet: a weight, or a stored statistic. */
export interface StoredValue {
  readonly kind: 'stored';
  readonly name: string;
  /** Position among the file's initializers; undefined for a copy that an Identity node names. */
  readonly position: number | undefined;
  readonly value: Tensor;
}

/**
 * A value of the graph being built. `batch`: where the file has the batch, which the graph keeps implicit. Undefined for
 * what all examples share, and in files with a fixed batch of one for values whose batch axis was merged or removed.
 */
export interface ArrayValue {
  readonly kind: 'array';
  readonly id: ValueId;
  readonly batch: BatchAxis | undefined;
}

export type Value = KnownValue | StoredValue | ArrayValue;
