/** @file computeTile of structured derivatives and Jacobian contraction: sweeps per block, Grams and Hadamard sums per pair. */

import { bytesOf } from '../core/tensor.ts';
import type { Execution } from '../graph/execution.ts';
import { copyStridedBetween, type StridedCopy } from '../graph/primitives/strided.ts';
import { outputNorms } from '../graph/separation.ts';
import { leavesZerosOut } from '../graph/shared-zeros.ts';
import { giveCotangents, isForAllExamples, isOnePerExample, paddedBlock, startSweep, sweepBackward, sweepForward } from '../graph/sweep.ts';
import type { Routines } from '../wasm/abi.ts';
import { BlockSlots } from '../wasm/block-slots.ts';
import { type Runtime, routinesOf } from '../wasm/runtime.ts';
import type { BlockSource, TileComputer } from '../wasm/tiled.ts';
import { type FactorGroup, type StoredFactor, subBlock } from './block-layout.ts';
import type { NtkInputs } from './inputs.ts';
import { placeBlocksBytes } from './place-blocks.ts';
import type { NtkPlan } from './plan.ts';

/**
 * Computes tiles of one plan in one runtime. Factors of recent blocks stay in memory, so it lives in the arena frame in
 * which it was made; what a tile returns depends on the plan and the inputs alone.
 */
export class FactoredTiles implements TileComputer<Float64Array> {
  private readonly rt: Runtime;
  private readonly plan: NtkPlan;
  private readonly inputs: NtkInputs;
  private readonly routines: Routines;
  private readonly blocks: BlockSlots;
  private running: Execution | undefined;
  /** The first of the cotangents that the execution was given last. */
  private given = -1;

  constructor(rt: Runtime, plan: NtkPlan, inputs: NtkInputs, shared?: BlockSource) {
    this.rt = rt;
    this.plan = plan;
    this.inputs = inputs;
    this.routines = routinesOf(rt, plan.dtype);
    this.blocks = new BlockSlots(rt, { count: plan.slots, bytes: plan.blocks.bytes }, (block, ptr) => this.sweep(block, ptr), shared);
  }

  /** [planes, rows, columns] of a tile, f64: the lower triangle alone on the diagonal of a symmetric kernel. */
  compute(index: number): Float64Array {
    return this.lend(index, (values) => values.slice());
  }

  lend<T>(index: number, use: (values: Float64Array) => T): T {
    const { plan, rt } = this;
    const [rowBlock, columnBlock] = blocksOfTile(plan, index);
    const rowPtr = this.blocks.at(rowBlock);
    const columnPtr = this.blocks.at(columnBlock, rowPtr);
    const rows = examplesOfBlock(plan, rowBlock);
    const columns = examplesOfBlock(plan, columnBlock);
    const perExample = plan.layout === 'blocks' ? plan.problem.outputs : 1;
    const size = rows * perExample * columns * perExample;
    const outputPlanes = plan.layout === 'planes' ? plan.problem.outputs : 1;
    const planes = (plan.perParameter ? plan.parameters.length : 1) * outputPlanes;
    return rt.arena.frame(() => {
      const kPtr = rt.arena.allocateArray('f64', planes * size);
      rt.f64.fill(planes * size, 0, kPtr);
      for (const group of plan.blocks.groups) {
        for (let plane = 0; plane < outputPlanes; plane++) {
          const planePtrs = group.members.map(({ factor }) => kPtr + ((plan.perParameter ? factor.index * outputPlanes : 0) + plane) * size * 8);
          this.contract(group, plane, { rowPtr, columnPtr, rows, columns, diagonal: rowBlock === columnBlock }, planePtrs);
        }
      }
      // Room for placing them: what is lent must not be detached meanwhile.
      rt.arena.frame(() => rt.arena.allocate(plan.layout === 'blocks' ? placeBlocksBytes(plan.tileSize, plan.problem.outputs) : 0));
      return use(rt.arena.f64(kPtr, planes * size));
    });
  }

  /** The factors of a block of examples. */
  computeBlock(block: number): Uint8Array {
    return this.blocks.read(block);
  }

  /** The sweeps' execution, made when the first block is computed here. */
  private get execution(): Execution {
    const { rt, plan } = this;
    this.running ??= startSweep(rt, plan.sweep, plan.program, outputNorms(rt, plan.sweep, plan.seeds, plan.dtype));
    return this.running;
  }

  /** Both sweeps over a block, some examples and some cotangents at a time. */
  private sweep(block: number, ptr: number): void {
    const { plan, execution } = this;
    const { tileSize, sweepSize, seedBlock, seeds, sweep, blocks } = plan;
    const { size } = this.inputs;
    const firstSecond = firstOfSecondSide(plan);
    const [x, index] = block < firstSecond ? [this.inputs.x1, block] : [this.inputs.x2, block - firstSecond];
    const n = examplesOfBlock(plan, block);
    const [summed, each] = [true, false].map((once) => blocks.rights.filter(({ outputs }) => isOnePerExample(outputs) === once));
    for (let start = 0; start < n; start += sweepSize) {
      // The last sweep of a block starts early enough to be inside it, as the last block of cotangents does.
      const example = Math.min(start, tileSize - sweepSize);
      const count = Math.min(sweepSize, n - example);
      const once = { from: 0, count: 1, example };
      for (const right of summed) this.placeRight(right, ptr, once);
      sweepForward(execution, sweep, paddedBlock(x, index * tileSize + example, count, sweepSize, size));
      for (const left of blocks.lefts) this.storeLeft(left, ptr, example);
      for (const right of summed) this.storeRight(right, ptr, once);
      for (let first = 0; first < seeds.length; first += seedBlock) {
        const from = Math.min(first, seeds.length - seedBlock);
        const part = { from, count: seedBlock, example };
        this.giveCotangents(from);
        for (const right of each) this.placeRight(right, ptr, part);
        sweepBackward(execution);
        for (const right of each) this.storeRight(right, ptr, part);
      }
    }
  }

  /** A single block of cotangents is given once for all examples. */
  private giveCotangents(from: number): void {
    const { seeds, seedBlock, sweep } = this.plan;
    if (this.given === from) return;
    giveCotangents(this.execution, sweep.seed, seeds.slice(from, from + seedBlock));
    this.given = from;
  }

  private storeLeft({ id, offset, positions, width }: StoredFactor, ptr: number, example: number): void {
    const { plan, execution, rt } = this;
    const perExample = positions * width * bytesOf(plan.dtype);
    const from = execution.ptr(id);
    new Uint8Array(rt.arena.memory.buffer).copyWithin(ptr + offset + example * perExample, from, from + plan.sweepSize * perExample);
  }

  /** Lets the next sweep write a right factor, if the program has placed it, where storeRight would copy it to. */
  private placeRight(right: StoredFactor, ptr: number, part: SweepPart): void {
    const { plan, execution } = this;
    if (!isPlaced(plan, right)) return;
    const [leap, step] = this.rightStrides(right);
    const first = part.from * leap + part.example * step;
    execution.place(right.id, ptr + right.offset + first * bytesOf(plan.dtype), { run: plan.sweepSize, step, leap });
  }

  /** [cotangent, example, position, width] of a sweep → the layout of the block. */
  private storeRight(right: StoredFactor, ptr: number, { from, count, example }: SweepPart): void {
    const { plan, rt, routines, execution } = this;
    if (isPlaced(plan, right)) return;
    const { id, offset, positions: s, width: w, examples } = right;
    const { sweepSize, dtype } = plan;
    const outStrides = this.rightStrides(right);
    const extents = [count, Math.min(examples, sweepSize), s, w];
    const once = isForAllExamples(execution.program, id);
    const inStrides = [(once ? 1 : sweepSize) * s * w, once ? 0 : s * w, w, 1];
    const copy = { extents, inStrides, outStrides, outOffset: from * outStrides[0] + Math.min(example, examples - 1) * outStrides[1] };
    copyStridedBetween({ arena: rt.arena, routines, dtype }, copy, execution.ptr(id), ptr + offset);
  }

  /** Elements from one cotangent, example and position of a right factor to the next in a block. */
  private rightStrides({ positions: s, width: w, copies: o, outputs }: StoredFactor): number[] {
    const { tileSize, layout } = this.plan;
    return {
      summed: [w, s * o * w, o * w, 1],
      blocks: [s * w, o * s * w, w, 1],
      planes: [tileSize * s * w, s * w, w, 1],
    }[outputs === 'exchangeable' ? 'planes' : layout];
  }

  /** Adds one group's share to the kernel planes of its members, a pair of sub-blocks at a time. */
  private contract(
    { right, partner, output, members }: FactorGroup,
    plane: number,
    pair: { rowPtr: number; columnPtr: number; rows: number; columns: number; diagonal: boolean },
    planePtrs: readonly number[],
  ): void {
    const { plan, rt, routines } = this;
    const bytes = bytesOf(plan.dtype);
    const s = right.positions;
    const v = plan.layout === 'blocks' ? plan.problem.outputs : 1;
    const width = right.width * (plan.layout === 'summed' ? right.copies : 1);
    const rightOffset = right.offset + plane * plan.tileSize * s * width * bytes * (plan.layout === 'planes' ? 1 : 0);
    const q = subBlock(plan.tileSize, s * v);
    const ldk = pair.columns * v;
    rt.arena.frame(() => {
      const dPtr = rt.arena.allocateArray(plan.dtype, q * s * v * q * s * v);
      const aPtr = rt.arena.allocateArray(plan.dtype, q * s * q * s);
      for (let r0 = 0; r0 < pair.rows; r0 += q) {
        const r = Math.min(q, pair.rows - r0);
        for (let c0 = 0; c0 < (pair.diagonal ? r0 + 1 : pair.columns); c0 += q) {
          const c = Math.min(q, pair.columns - c0);
          const lower = pair.diagonal && r0 === c0 ? 1 : 0;
          const pointers = (offset: number, perExample: number) => [
            pair.rowPtr + offset + r0 * perExample * bytes,
            pair.columnPtr + offset + c0 * perExample * bytes,
          ];
          const product = (offset: number, perExample: number, k: number, alpha: number, out: number) =>
            this.product(pointers(offset, perExample * k), [r * perExample, c * perExample, k], out, { alpha, lower });
          // A frame of its own: its scratch and that of the products of the left factors share their place.
          rt.arena.frame(() => {
            const [xPtr, yPtr] = pointers(rightOffset, width);
            if (partner !== null) {
              const [xPartner, yPartner] = pointers(partner.offset, width);
              this.product([xPartner, yPtr], [r, c, width], dPtr, {});
              this.product([xPtr, yPartner], [r, c, width], dPtr, { beta: 1 });
            } else if (output !== null) {
              const scratch = rt.arena.allocate(routines.switchedProductsScratchBytes(r, c, v, width));
              routines.switchedProducts(r, c, v, width, xPtr, yPtr, pair.rowPtr + output.offset, dPtr, c * v, lower, scratch);
            } else if (right.outputs === 'exchangeable') {
              this.exchangedProducts(width, [xPtr, yPtr], [r, c], dPtr);
            } else if (right.sharesZeros && s === 1 && leavesZerosOut(v, c * v)) {
              const [rowsPtr, columnsPtr] = pointers(rightOffset, v * width);
              const scratch = rt.arena.allocate(routines.gemmSharedZerosScratchBytes(c * v, width));
              routines.gemmSharedZeros(r, v, c * v, width, rowsPtr, v * width, width, columnsPtr, 1, width, dPtr, v * c * v, c * v, lower, scratch);
            } else product(rightOffset, s * v, width, 1, dPtr);
          });
          for (let member = 0; member < members.length; member++) {
            const { left, factor } = members[member];
            if (left !== null) product(left.offset, s, left.width, factor.scale * factor.scale, aPtr);
            const kPtr = planePtrs[member] + (r0 * v * ldk + c0 * v) * 8;
            // A weight and its bias in one walk over the kernel.
            const plusOnes = left !== null && !plan.perParameter && members[member + 1]?.left === null ? 1 : 0;
            routines.gramHadamard(r, c, v, v, s, s, lower, left === null ? 0 : aPtr, plusOnes, dPtr, kPtr, ldk);
            member += plusOnes;
          }
        }
      }
    });
  }

  /**
   * D[(n, o), (m, q)] ← δ[n, o]·δ[m, q] from pairs of outputs q ≤ o alone, at one position: the other half are the same numbers.
   * So is every entry, for every tile size, the product with the row's larger output.
   */
  private exchangedProducts(k: number, [rowsPtr, columnsPtr]: readonly number[], [rows, columns]: readonly number[], dPtr: number): void {
    const { plan, rt, routines } = this;
    const { tileSize, dtype } = plan;
    const bytes = bytesOf(dtype);
    const v = plan.problem.outputs;
    // [n, (q, m)] of every o: the examples of a block that are not asked for lie between those of two outputs.
    const widths = Array.from({ length: v }, (_, o) => o * tileSize + columns);
    rt.arena.frame(() => {
      const products = widths.map((width) => rt.arena.allocateArray(dtype, rows * width));
      rt.arena.frame(() => {
        const scratch = rt.arena.allocate(routines.gemmScratchBytes(rows, widths[v - 1], k));
        widths.forEach((width, o) => {
          routines.gemm(rows, width, k, 1, rowsPtr + o * tileSize * k * bytes, k, 1, columnsPtr, 1, k, 0, products[o], width, 1, scratch);
        });
      });
      for (let first = 0; first < rows; first += EXCHANGED_ROWS) {
        const count = Math.min(EXCHANGED_ROWS, rows - first);
        widths.forEach((width, o) => {
          for (const copy of exchangedCopies(count, columns, width, o, v, tileSize)) {
            const [from, to] = [products[o] + first * width * bytes, dPtr + first * v * columns * v * bytes];
            copyStridedBetween({ arena: rt.arena, routines, dtype }, copy, from, to);
          }
        });
      }
    });
  }

  /** out ← alpha·X·Yᵀ + beta·out of two contiguous matrices with rows of length k; half of it where lower, when X is Y. */
  private product(
    [xPtr, yPtr]: readonly number[],
    [rows, columns, k]: readonly number[],
    outPtr: number,
    { alpha = 1, beta = 0, lower = 0 }: { alpha?: number; beta?: number; lower?: number },
  ): void {
    const { rt, routines } = this;
    rt.arena.frame(() => {
      if (alpha === 1 && beta === 0) {
        const scratch = rt.arena.allocate(routines.gemmOwnZerosScratchBytes(rows, columns, k));
        routines.gemmOwnZeros(rows, columns, k, xPtr, k, yPtr, k, outPtr, columns, lower, scratch);
      } else if (lower) {
        const scratch = rt.arena.allocate(routines.gramScratchBytes(rows, k));
        routines.gram(rows, k, alpha, xPtr, k, 1, beta, outPtr, columns, scratch);
      } else {
        const scratch = rt.arena.allocate(routines.gemmScratchBytes(rows, columns, k));
        routines.gemm(rows, columns, k, alpha, xPtr, k, 1, yPtr, 1, k, beta, outPtr, columns, 1, scratch);
      }
    });
  }
}

/** What one sweep leaves: `count` cotangents from the one at `from` on, examples of a block from the one at `example` on. */
interface SweepPart {
  readonly from: number;
  readonly count: number;
  readonly example: number;
}

/** Whether the sweep writes a right factor where the block keeps it. */
function isPlaced({ program }: NtkPlan, { id }: StoredFactor): boolean {
  return program.placed[id] >= 0;
}

/** Examples whose rows of D are written together: they stay in the cache. */
const EXCHANGED_ROWS = 8;

/** Products [n, (q, m)] with output o ≥ q → D[(n, o), (m, q)], and D[(n, q), (m, o)] for q < o. */
function exchangedCopies(examples: number, columns: number, width: number, o: number, v: number, tileSize: number): StridedCopy[] {
  const ldd = columns * v;
  const own = { extents: [examples, columns, o + 1], inStrides: [width, 1, tileSize], outStrides: [v * ldd, v, 1], outOffset: o * ldd };
  const other = { extents: [examples, o, columns], inStrides: [width, tileSize, 1], outStrides: [v * ldd, ldd, v], outOffset: o };
  return o === 0 ? [own] : [own, other];
}

/** Blocks are numbered x1's first, then x2's; those of a symmetric kernel are x1's alone. */
function firstOfSecondSide({ problem, tileSize }: NtkPlan): number {
  return Math.ceil(problem.n1 / tileSize);
}

/** The row block and the column block of a tile. */
export function blocksOfTile(plan: NtkPlan, index: number): [number, number] {
  const { row, column } = plan.tiles[index];
  return [row, plan.problem.symmetric ? column : firstOfSecondSide(plan) + column];
}

/** Number of blocks of both sides. */
export function blockCount(plan: NtkPlan): number {
  const { problem, tileSize } = plan;
  return firstOfSecondSide(plan) + (problem.symmetric ? 0 : Math.ceil(problem.n2 / tileSize));
}

function examplesOfBlock(plan: NtkPlan, block: number): number {
  const { problem, tileSize } = plan;
  const first = firstOfSecondSide(plan);
  const [n, index] = block < first ? [problem.n1, block] : [problem.n2, block - first];
  return Math.min(tileSize, n - index * tileSize);
}
