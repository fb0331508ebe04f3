/** @file The whole kernel by NTK-vector products: plan and computeTile. */

import type { FloatArray } from '../core/tensor.ts';
import { type Model, trainableParameters } from '../graph/model.ts';
import { paddedBlock } from '../graph/sweep.ts';
import type { Runtime } from '../wasm/runtime.ts';
import type { TileComputer } from '../wasm/tiled.ts';
import type { OutputLayout } from './block-layout.ts';
import type { NtkInputs } from './inputs.ts';
import { placeBlocksBytes } from './place-blocks.ts';
import { kernelForm, memoryError, type NtkRequest, type NtkTile, planTiles, resultSize } from './plan.ts';
import { spreadTile } from './spread.ts';
import {
  planVectorProduct,
  type VectorProductGraphs,
  type VectorProductPrograms,
  VectorProducts,
  vectorProductBytes,
  vectorProductGraphs,
} from './vector-product.ts';

export interface VectorProductPlan {
  readonly implementation: 'ntk-vector-products';
  readonly request: NtkRequest;
  readonly layout: OutputLayout;
  readonly factor: number;
  readonly seeds: readonly FloatArray[];
  readonly perParameter: boolean;
  readonly parameters: readonly string[];
  readonly graphs: VectorProductGraphs;
  readonly programs: VectorProductPrograms;
  readonly tileSize: number;
  readonly tiles: readonly NtkTile[];
  readonly wasmBytes: number;
  readonly resultBytes: number;
}

const MAX_TILE = 64;

/** @throws {TangedgeError} ERR_MEMORY when not even tiles of one example fit. */
export function planVectorProductNtk(rt: Runtime, model: Model, request: NtkRequest): VectorProductPlan {
  const { n1, n2, symmetric, outputs, dtype } = request;
  const c = model.output.size;
  const graphs = vectorProductGraphs(model);
  const largest = Math.max(n1, n2);
  const resultBytes = resultSize(request, c, model) * 8;
  const budget = Math.min(request.memoryLimit - resultBytes, rt.arena.limit - rt.arena.used);
  let tileSize = Math.min(
    request.tileSize ?? spreadTile({ n: largest, threads: request.threads ?? 1, most: MAX_TILE, example: 0, pair: 1 }),
    largest,
  );
  for (;;) {
    const programs = planVectorProduct(graphs, 1, tileSize, dtype);
    const wasmBytes = vectorProductBytes(rt, programs, dtype) + (outputs === 'full' ? placeBlocksBytes(tileSize, c) : 0) + 65536;
    if (wasmBytes <= budget) {
      return {
        implementation: 'ntk-vector-products',
        request,
        ...kernelForm(outputs, c),
        perParameter: request.perParameter,
        parameters: trainableParameters(model).map(({ name }) => name),
        graphs,
        programs,
        tileSize,
        tiles: planTiles(n1, n2, symmetric, tileSize),
        wasmBytes,
        resultBytes,
      };
    }
    if (tileSize === 1 || request.tileSize) throw memoryError(wasmBytes + resultBytes, request.memoryLimit, resultBytes);
    tileSize = Math.floor(tileSize / 2);
  }
}

/** Computes tiles of one plan; lives in the arena frame in which it was made. */
export class VectorProductTiles implements TileComputer<Float64Array> {
  private readonly plan: VectorProductPlan;
  private readonly inputs: NtkInputs;
  private readonly products: VectorProducts;
  private forwardBlock = -1;

  constructor(rt: Runtime, plan: VectorProductPlan, inputs: NtkInputs) {
    this.plan = plan;
    this.inputs = inputs;
    this.products = new VectorProducts(rt, plan.graphs, plan.programs);
  }

  /** [planes, rows, columns] of a tile, as FactoredTiles.compute returns it. */
  compute(index: number): Float64Array {
    const { plan } = this;
    const tile = plan.tiles[index];
    const { n1, n2, symmetric } = plan.request;
    const rows = Math.min(plan.tileSize, n1 - tile.row * plan.tileSize);
    const columns = Math.min(plan.tileSize, n2 - tile.column * plan.tileSize);
    const outputs = plan.seeds.length;
    const v = plan.layout === 'blocks' ? outputs : 1;
    const outputPlanes = plan.layout === 'planes' ? outputs : 1;
    const parameterPlanes = plan.perParameter ? plan.parameters.length : 1;
    const size = rows * v * columns * v;
    const kernel = new Float64Array(parameterPlanes * outputPlanes * size);
    this.setForward(tile.row, rows);
    for (let m = 0; m < columns; m++) {
      this.setBack(tile.column * plan.tileSize + m);
      for (let q = 0; q < outputs; q++) {
        this.products.back.pull(plan.seeds[q]);
        for (let p = 0; p < parameterPlanes; p++) {
          const column = this.products.push(plan.perParameter ? p : null);
          this.scatter(kernel.subarray(p * outputPlanes * size, (p + 1) * outputPlanes * size), column, { rows, columns, m, q, v, size });
        }
      }
    }
    if (symmetric && tile.row === tile.column) clearUpper(kernel, rows * v);
    return kernel;
  }

  /** Adds J(x1)·t, [rows, c], for the cotangent q of example m, to the outputs that are wanted. */
  private scatter(
    kernel: Float64Array,
    column: FloatArray,
    { rows, columns, m, q, v, size }: { rows: number; columns: number; m: number; q: number; v: number; size: number },
  ): void {
    const { layout, seeds } = this.plan;
    const c = seeds[0].length;
    for (let n = 0; n < rows; n++) {
      if (layout === 'blocks') {
        for (let o = 0; o < c; o++) kernel[(n * v + o) * columns * v + m * v + q] = column[n * c + o];
      } else if (layout === 'planes') {
        kernel[q * size + n * columns + m] = column[n * c + q];
      } else {
        let value = 0;
        for (let o = 0; o < c; o++) value += seeds[q][o] * column[n * c + o];
        kernel[n * columns + m] += value;
      }
    }
  }

  private setForward(block: number, rows: number): void {
    if (this.forwardBlock === block) return;
    const { tileSize } = this.plan;
    const { x1, size } = this.inputs;
    this.products.forward.set(paddedBlock(x1, block * tileSize, rows, tileSize, size));
    this.forwardBlock = block;
  }

  private setBack(example: number): void {
    const { x2, size } = this.inputs;
    this.products.back.set(x2.subarray(example * size, (example + 1) * size));
  }
}

/** Keeps the lower triangle of every n×n plane: the other is its mirror. */
function clearUpper(planes: Float64Array, n: number): void {
  for (let start = 0; start < planes.length; start += n * n) {
    for (let i = 0; i < n; i++) planes.fill(0, start + i * n + i + 1, start + (i + 1) * n);
  }
}
