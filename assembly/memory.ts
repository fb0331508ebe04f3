/**
 * @file Where the host's arena may begin: the first address after this module's static data.
 */

/** First free address, aligned to 64 bytes. */
export function arenaBase(): usize {
  return (__heap_base + 63) & ~63;
}
