/** @file The worker's side: one job open at a time, its tiles and blocks computed on request. Runs inline too, called in place. */

import { TangedgeError } from '../core/errors.ts';
import { loadRuntime, type Runtime, type RuntimeOptions } from '../wasm/runtime.ts';
import type { BlockSource, TileComputer } from '../wasm/tiled.ts';
import type { AnyTileKind } from './kinds.ts';
import { toWireError, type WireError } from './wire-error.ts';

/** Errors travel as data: comlink would keep name, message and stack alone. */
export type Reply<T> = { readonly value: T } | { readonly error: WireError };

export interface OpenRequest {
  /** Name of the TileKind. */
  readonly kind: string;
  readonly plan: unknown;
  /** Shared memory [count, bytes] that blocks are published in. */
  readonly blocks?: { readonly bytes: number; readonly memory: SharedArrayBuffer };
}

/** A block that is already computed: in shared memory, or with its bytes. */
export interface KnownBlock {
  readonly block: number;
  readonly bytes?: Uint8Array;
}

/** Called from one place at a time: the link keeps the order. */
export interface TileService {
  start(options: RuntimeOptions): Promise<Reply<void>>;
  open(request: OpenRequest): Reply<void>;
  /** Computes a block and publishes it: in shared memory (then the value is null), or as the value. */
  block(block: number): Reply<Uint8Array | null>;
  tile(tile: number, known: readonly KnownBlock[]): Reply<unknown>;
  /** Drops the open job. */
  close(): Reply<void>;
}

export class TileServer implements TileService {
  private readonly kinds: readonly AnyTileKind[];
  private rt: Runtime | undefined;
  private opened: { computer: TileComputer<unknown>; mark: number; blocks: Blocks } | undefined;

  constructor(kinds: readonly AnyTileKind[]) {
    this.kinds = kinds;
  }

  async start(options: RuntimeOptions): Promise<Reply<void>> {
    try {
      this.rt ??= await loadRuntime(options);
      return { value: undefined };
    } catch (error) {
      return { error: toWireError(error) };
    }
  }

  open({ kind: name, plan, blocks: shared }: OpenRequest): Reply<void> {
    return reply(() => {
      this.drop();
      const rt = this.rt;
      const kind = this.kinds.find((candidate) => candidate.name === name);
      if (rt === undefined || kind === undefined) {
        const known = this.kinds.map((candidate) => candidate.name).join(', ');
        throw new TangedgeError(
          'ERR_WORKER',
          `pool: the worker does not know tiles of kind '${name}'; it knows ${known}. Use the worker of this version.`,
          {
            kind: name,
          },
        );
      }
      const mark = rt.arena.mark();
      const blocks = new Blocks(shared);
      try {
        this.opened = { computer: kind.start(rt, plan, blocks), mark, blocks };
      } catch (error) {
        rt.arena.release(mark);
        throw error;
      }
    });
  }

  block(block: number): Reply<Uint8Array | null> {
    return reply(() => {
      const { computer, blocks } = this.current();
      if (computer.computeBlock === undefined) throw new TypeError('this job has no blocks');
      return blocks.publish(block, computer.computeBlock(block));
    });
  }

  tile(tile: number, known: readonly KnownBlock[]): Reply<unknown> {
    return reply(() => {
      const { computer, blocks } = this.current();
      for (const block of known) blocks.learn(block);
      return computer.compute(tile);
    });
  }

  close(): Reply<void> {
    return reply(() => this.drop());
  }

  private current() {
    if (this.opened === undefined) throw new TypeError('no job is open');
    return this.opened;
  }

  private drop(): void {
    if (this.opened) this.rt?.arena.release(this.opened.mark);
    this.opened = undefined;
  }
}

function reply<T>(compute: () => T): Reply<T> {
  try {
    return { value: compute() };
  } catch (error) {
    return { error: toWireError(error) };
  }
}

/** The computed blocks that this worker knows of. */
class Blocks implements BlockSource {
  private readonly shared: OpenRequest['blocks'];
  private readonly known = new Map<number, Uint8Array>();

  constructor(shared: OpenRequest['blocks']) {
    this.shared = shared;
  }

  read(block: number): Uint8Array | undefined {
    return this.known.get(block);
  }

  learn({ block, bytes }: KnownBlock): void {
    const known = bytes ?? this.place(block);
    if (known !== undefined) this.known.set(block, known);
  }

  /** Null when shared memory takes the bytes, else a copy of them. */
  publish(block: number, bytes: Uint8Array): Uint8Array | null {
    const place = this.place(block);
    if (place === undefined) return bytes.slice();
    place.set(bytes);
    return null;
  }

  private place(block: number): Uint8Array | undefined {
    if (this.shared === undefined) return undefined;
    const { bytes, memory } = this.shared;
    return new Uint8Array(memory, block * bytes, bytes);
  }
}
