/** @file What the forward sweep over a block of examples leaves for later stages, copied out, and put back instead of sweeping again. */

import { bytesOf } from '../core/tensor.ts';
import type { Runtime } from '../wasm/runtime.ts';
import type { Execution } from './execution.ts';
import type { ValueId } from './graph.ts';
import type { Program } from './program.ts';

/** A value in an execution's memory. */
interface SweptValue {
  readonly id: ValueId;
  readonly bytes: number;
}

/** The values of stage 1 that stages 2 and 3 read or the program keeps, inputs included; of those that share memory the longest. */
export function sweptValues({ graph, dtype, batch, stage, steps, wanted, offset, keep }: Program): SweptValue[] {
  const { nodes } = graph;
  const longest = new Map<number, SweptValue>();
  const read = [...steps[2], ...steps[3]].flatMap((id) => [...nodes[id].inputs, wanted[id]]);
  for (const id of [...read, ...keep]) {
    if (id < 0 || stage[id] !== 1 || offset[id] < 0) continue;
    const bytes = nodes[id].shape.reduce((product, extent) => product * extent, batch[id] * bytesOf(dtype));
    if (bytes > (longest.get(offset[id])?.bytes ?? 0)) longest.set(offset[id], { id, bytes });
  }
  return [...longest.values()];
}

export function sweptBytes(program: Program): number {
  return sweptValues(program).reduce((total, { bytes }) => total + bytes, 0);
}

/** A copy of them, one behind the other. */
export function readSwept(rt: Runtime, execution: Execution): Uint8Array {
  const copy = new Uint8Array(sweptBytes(execution.program));
  let at = 0;
  for (const { id, bytes } of sweptValues(execution.program)) {
    copy.set(new Uint8Array(rt.arena.memory.buffer, execution.ptr(id), bytes), at);
    at += bytes;
  }
  return copy;
}

/** Puts a copy back: the execution is as it was behind that sweep. */
export function writeSwept(rt: Runtime, execution: Execution, copy: Uint8Array): void {
  let at = 0;
  for (const { id, bytes } of sweptValues(execution.program)) {
    new Uint8Array(rt.arena.memory.buffer, execution.ptr(id), bytes).set(copy.subarray(at, at + bytes));
    at += bytes;
  }
}
