/** @file Second moments of rows that come a few at a time. */

import { bytesOf, type Dtype } from '../core/tensor.ts';
import type { Routines } from '../wasm/abi.ts';
import { type Runtime, routinesOf } from '../wasm/runtime.ts';

/** Rows of one product: enough for it to run at full speed. Longer sums are continued in f64. */
const PRODUCT_ROWS = 1024;

/**
 * Sum += Σ δ·δᵀ over rows δ, of `width` elements of the dtype: products of `PRODUCT_ROWS` rows in their dtype, added in f64, so that
 * nothing but the order of the rows matters. Lives in the arena frame in which it was made.
 */
export class SecondMoment {
  private readonly rt: Runtime;
  private readonly dtype: Dtype;
  private readonly width: number;
  /** [width, width] f64, the lower triangle alone. */
  private readonly sumPtr: number;
  /** Rows of one product, and those of them that are waiting. */
  private readonly capacity: number;
  private waiting = 0;
  private readonly rowsPtr: number;

  /** `mostRows` is the most that will be added between two sums. */
  constructor(rt: Runtime, dtype: Dtype, { width, mostRows, sumPtr }: { width: number; mostRows: number; sumPtr: number }) {
    this.rt = rt;
    this.dtype = dtype;
    this.width = width;
    this.sumPtr = sumPtr;
    this.capacity = Math.min(PRODUCT_ROWS, mostRows);
    this.rowsPtr = rt.arena.allocateArray(dtype, this.capacity * width);
  }

  /** Arena bytes of one, and of its products while it adds them. */
  static bytes(routines: Routines, dtype: Dtype, width: number, mostRows: number): { held: number; scratch: number } {
    const capacity = Math.min(PRODUCT_ROWS, mostRows);
    const bytes = bytesOf(dtype);
    return { held: capacity * width * bytes + 64, scratch: width * width * bytes + 64 + (routines.gramScratchBytes(width, capacity) >>> 0) };
  }

  /** Adds `rows` contiguous rows. */
  add(ptr: number, rows: number): void {
    const { capacity, rowsPtr, rt } = this;
    const rowBytes = this.width * bytesOf(this.dtype);
    for (let done = 0; done < rows; ) {
      const count = Math.min(rows - done, capacity - this.waiting);
      const from = ptr + done * rowBytes;
      done += count;
      if (count === capacity) {
        this.addProduct(from, count);
        continue;
      }
      new Uint8Array(rt.arena.memory.buffer).copyWithin(rowsPtr + this.waiting * rowBytes, from, from + count * rowBytes);
      this.waiting += count;
      if (this.waiting === capacity) this.finish();
    }
  }

  /** Adds what is waiting: the sum is whole. */
  finish(): void {
    if (this.waiting > 0) this.addProduct(this.rowsPtr, this.waiting);
    this.waiting = 0;
  }

  private addProduct(ptr: number, rows: number): void {
    const { rt, dtype, width, sumPtr } = this;
    const routines = routinesOf(rt, dtype);
    rt.arena.frame(() => {
      const productPtr = rt.arena.allocateArray(dtype, width * width);
      const scratch = rt.arena.allocate(routines.gramScratchBytes(width, rows) >>> 0);
      routines.gram(width, rows, 1, ptr, 1, width, 0, productPtr, width, scratch);
      routines.gramHadamard(width, width, 1, 1, 1, 1, 1, 0, 0, productPtr, sumPtr, width);
    });
  }
}
