/** @file What the public types name of WebAssembly, so that a program needs neither the DOM's nor Node's type library to use them. */

/** `WebAssembly.Module` where a type library declares it, else any object: it is opaque either way. */
export type CompiledModule = typeof globalThis extends { WebAssembly: { Module: new (...args: never[]) => infer Module } } ? Module : object;

/** What the arena uses of `WebAssembly.Memory`. */
export interface LinearMemory {
  readonly buffer: ArrayBuffer;
  /** Adds pages of 64 KiB. */
  grow(pages: number): number;
}
