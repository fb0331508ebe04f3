/** @file Blocks that several tiles need, the last used of them in memory. */

import type { Runtime } from './runtime.ts';
import type { BlockSource } from './tiled.ts';

/** The blocks of one job in its runtime's memory; lives in the arena frame in which it was made. */
export class BlockSlots {
  private readonly rt: Runtime;
  private readonly bytes: number;
  private readonly compute: (block: number, ptr: number) => void;
  private readonly shared: BlockSource | undefined;
  private readonly slots: { block: number; ptr: number; used: number }[];
  private clock = 0;

  /** `count` blocks of `bytes` at a time; `compute` writes one that is not in `shared`. */
  constructor(
    rt: Runtime,
    { count, bytes }: { readonly count: number; readonly bytes: number },
    compute: (block: number, ptr: number) => void,
    shared?: BlockSource,
  ) {
    this.rt = rt;
    this.bytes = bytes;
    this.compute = compute;
    this.shared = shared;
    this.slots = Array.from({ length: count }, () => ({ block: -1, ptr: rt.arena.allocate(bytes), used: 0 }));
  }

  /** Address of a block: still in a slot, computed elsewhere, or computed here. Never evicts the block at `pinned`. */
  at(block: number, pinned = -1): number {
    const known = this.slots.find((slot) => slot.block === block);
    const slot = known ?? this.slots.filter(({ ptr }) => ptr !== pinned).reduce((oldest, other) => (other.used < oldest.used ? other : oldest));
    slot.used = ++this.clock;
    if (slot.block !== block) {
      slot.block = -1;
      const given = this.shared?.read(block);
      if (given === undefined) this.compute(block, slot.ptr);
      else new Uint8Array(this.rt.arena.memory.buffer, slot.ptr, this.bytes).set(given);
      slot.block = block;
    }
    return slot.ptr;
  }

  /** The bytes of a block, a view. */
  read(block: number): Uint8Array {
    const ptr = this.at(block); // may grow the memory
    return new Uint8Array(this.rt.arena.memory.buffer, ptr, this.bytes);
  }
}
