/** @file What is used of an AbortSignal, so that the public types need neither the DOM's nor Node's type library. */

/** An `AbortSignal`, of whichever library declares it. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  /** What the computation is rejected with. */
  readonly reason: unknown;
  throwIfAborted(): void;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}
