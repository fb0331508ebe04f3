/** @file The congruence Wᵀ·K·W of a symmetric K: how a covariance of pre-activations becomes one of inputs. */

import type { Tensor } from '../core/tensor.ts';
import { matmul } from '../linalg/gemm.ts';
import { mirrorLower } from '../linalg/mirror.ts';
import type { Runtime } from '../wasm/runtime.ts';

/** Wᵀ·K·W, W [h, i], K [h, h] symmetric → [i, i], exactly symmetric: the lower triangle, mirrored. */
export function congruence(rt: Runtime, w: Tensor, k: Tensor): Tensor {
  const product = matmul(rt, w, matmul(rt, k, w), { transposeA: true });
  mirrorLower(product.shape[0], product.data);
  return product;
}
