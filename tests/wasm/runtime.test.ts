/** @file Loading the module from every source, memory growth and limits of the arena, refusals. */

import { readFileSync } from 'node:fs';
import { loadRuntime, matmul, type Runtime, type RuntimeOptions, TangedgeError, type WasmSource } from 'tangedge';
import { describe, expect, test } from 'vitest';

const bytes = readFileSync(new URL('../../build/routines.wasm', import.meta.url));

function product(rt: Runtime): number[] {
  const a = { shape: [2, 2], data: Float64Array.of(1, 2, 3, 4) };
  return [...matmul(rt, a, a).data];
}

describe('loadRuntime', () => {
  test.each<[string, () => RuntimeOptions | WasmSource | undefined]>([
    ['the module built in', () => undefined],
    ['bytes', () => new Uint8Array(bytes)],
    ['an ArrayBuffer', () => new Uint8Array(bytes).buffer],
    ['a compiled module, as a Cloudflare Worker imports it', () => new WebAssembly.Module(bytes)],
    ['a compiled module among options', () => ({ source: new WebAssembly.Module(bytes), memoryLimit: 1e6 })],
  ])('%s', async (_, source) => {
    expect(product(await loadRuntime(source()))).toEqual([7, 10, 15, 22]);
  });

  test('runtimes do not share memory', async () => {
    const [first, second] = [await loadRuntime(), await loadRuntime()];
    const ptr = first.arena.allocate(8);
    first.arena.f64(ptr, 1)[0] = 42;
    expect(second.arena.allocate(8)).toBe(ptr);
    expect(second.arena.f64(ptr, 1)[0]).not.toBe(42);
  });

  test.each([
    ['bytes that are no module', Uint8Array.of(1, 2, 3), 'ERR_FORMAT'],
    ['a module of something else', new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0)), 'ERR_FORMAT'],
    ['wide mode together with a module', { wide: true, source: new Uint8Array(bytes) }, 'ERR_ARGUMENT'],
    ['fused mode together with a module', { fused: true, source: new Uint8Array(bytes) }, 'ERR_ARGUMENT'],
    ['a memory limit of 0', { memoryLimit: 0 }, 'ERR_ARGUMENT'],
    ['a memory limit that is no whole number', { memoryLimit: Number.NaN }, 'ERR_ARGUMENT'],
  ])('%s is refused in one line', async (_, source, code) => {
    const failure = await loadRuntime(source as WasmSource).then(
      () => null,
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(TangedgeError);
    expect(failure).toMatchObject({ code, message: expect.not.stringContaining('\n') });
  });
});

describe('arena', () => {
  test('allocations are 64-byte aligned, apart from each other, and released with their frame', async () => {
    const { arena } = await loadRuntime();
    const before = arena.used;
    arena.frame(() => {
      const addresses = [1, 64, 65, 0, 7].map((size) => arena.allocate(size));
      expect(addresses.every((address) => address % 64 === 0)).toBe(true);
      expect(addresses.slice(1).map((address, i) => address - addresses[i])).toEqual([64, 64, 128, 0]);
    });
    expect(arena.used).toBe(before);
    expect(() =>
      arena.frame(() => {
        arena.allocate(1000);
        throw new Error('inside');
      }),
    ).toThrow('inside');
    expect(arena.used).toBe(before);
  });

  test('memory grows when needed and keeps what it holds', async () => {
    const { arena } = await loadRuntime();
    const small = arena.load('f64', Float64Array.of(1, 2, 3));
    arena.allocate(10_000_000);
    expect([...arena.f64(small, 3)]).toEqual([1, 2, 3]);
    expect(arena.peakBytes).toBeGreaterThanOrEqual(10_000_000);
  });

  test('beyond the limit: both numbers, and nothing is taken', async () => {
    const { arena } = await loadRuntime({ memoryLimit: 1024 });
    arena.allocate(1000);
    const used = arena.used;
    expect(() => arena.allocate(1)).toThrow(expect.objectContaining({ code: 'ERR_MEMORY', info: { needed: 1088, limit: 1024 } }));
    expect(arena.used).toBe(used);
  });

  test('reading widens and rounds as the element type says, in a fresh copy', async () => {
    const { arena } = await loadRuntime();
    const ptr = arena.load('f32', Float64Array.of(0.1, 1));
    const copy = arena.read('f32', ptr, 2);
    arena.f32(ptr, 2).fill(0);
    expect([...copy]).toEqual([Math.fround(0.1), 1]);
  });
});
