/** @file Which runtime this is. */

interface Host {
  readonly Bun?: unknown;
  readonly Deno?: unknown;
  readonly process?: { readonly versions?: { readonly node?: string } };
}

/** Node's version; undefined in other runtimes, also in those that give one for compatibility. */
export function nodeVersion(): string | undefined {
  const { Bun, Deno, process } = globalThis as Host;
  return Bun === undefined && Deno === undefined ? process?.versions?.node : undefined;
}
