/** @file What the forward sweep over a block of examples leaves for later stages, copied out, and put back instead of sweeping again. */

import { canShareMemory } from '../core/host-objects.ts';
import { bytesOf, sizeOf } from '../core/tensor.ts';
import type { Execution } from './execution.ts';
import type { ValueId } from './graph.ts';
import type { Program } from './program.ts';

/** The values of stage 1 that stages 2 and 3 read or the program keeps, inputs included; of those that share memory the longest. */
function sweptValues(program: Program): ValueId[] {
  const { graph, stage, steps, wanted, offset, keep } = program;
  const longest = new Map<number, ValueId>();
  const read = [...steps[2], ...steps[3]].flatMap((id) => [...graph.nodes[id].inputs, wanted[id]]);
  for (const id of [...read, ...keep]) {
    if (id < 0 || stage[id] !== 1 || offset[id] < 0) continue;
    const other = longest.get(offset[id]);
    if (other === undefined || bytesOfValue(program, id) > bytesOfValue(program, other)) longest.set(offset[id], id);
  }
  return [...longest.values()];
}

function bytesOfValue({ graph, dtype, batch }: Program, id: ValueId): number {
  return batch[id] * sizeOf(graph.nodes[id].shape) * bytesOf(dtype);
}

export function sweptBytes(program: Program): number {
  return sweptValues(program).reduce((total, id) => total + bytesOfValue(program, id), 0);
}

/** A copy of them, one behind the other, in shared memory where there is. */
export function readSwept(execution: Execution): Uint8Array {
  const bytes = sweptBytes(execution.program);
  const copy = new Uint8Array(canShareMemory() ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes));
  forEachPart(execution, copy, (value, part) => part.set(value));
  return copy;
}

/** Puts a copy back: the execution is as it was behind that sweep. */
export function writeSwept(execution: Execution, copy: Uint8Array): void {
  forEachPart(execution, copy, (value, part) => value.set(part));
}

/** The bytes of every value in the execution's memory, and their part of the copy. */
function forEachPart(execution: Execution, copy: Uint8Array, use: (value: Uint8Array, part: Uint8Array) => void): void {
  let at = 0;
  for (const id of sweptValues(execution.program)) {
    const { buffer, byteOffset, byteLength } = execution.view(id);
    use(new Uint8Array(buffer, byteOffset, byteLength), copy.subarray(at, at + byteLength));
    at += byteLength;
  }
}
