/** @file Objects of the host: those that public types name, without the DOM's or Node's type library, and memory that threads share. */

/** `AbortSignal` where a type library declares it, else what is used of one. */
export type AbortSignalLike = typeof globalThis extends { AbortSignal: { prototype: infer Signal } } ? Signal : AbortSignalParts;

interface AbortSignalParts {
  readonly aborted: boolean;
  /** What the computation is rejected with. */
  readonly reason: unknown;
}

/** `URL` where a type library declares it, else what is used of one. */
export type UrlLike = typeof globalThis extends { URL: { prototype: infer Url } } ? Url : { readonly href: string };

/** Whether shared memory can be posted here: not in a page without cross-origin isolation. */
export function canShareMemory(): boolean {
  return typeof SharedArrayBuffer === 'function' && (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated !== false;
}
