/** @file Objects of the host that the public types name, so that they need neither the DOM's nor Node's type library. */

/** `AbortSignal` where a type library declares it, else what is used of one. */
export type AbortSignalLike = typeof globalThis extends { AbortSignal: { prototype: infer Signal } } ? Signal : AbortSignalParts;

interface AbortSignalParts {
  readonly aborted: boolean;
  /** What the computation is rejected with. */
  readonly reason: unknown;
}

/** `URL` where a type library declares it, else what is used of one. */
export type UrlLike = typeof globalThis extends { URL: { prototype: infer Url } } ? Url : { readonly href: string };
