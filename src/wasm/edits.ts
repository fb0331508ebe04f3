/** @file Edits of bytes: one compiled module as the difference from another (scripts/splat-offsets.mjs makes them). */

/** `bytes` with `edits` done: (kept, removed, added, bytes that are added) …, kept in two bytes, low first, the others in one. */
export function edited(bytes: Uint8Array, edits: Uint8Array): Uint8Array {
  const out = new Uint8Array(bytes.length + edits.length);
  let to = 0;
  let rest = bytes;
  const append = (part: Uint8Array) => {
    out.set(part, to);
    to += part.length;
  };
  while (edits.length > 0) {
    const [low, high, removed, added] = edits;
    const kept = low + 256 * high;
    append(rest.subarray(0, kept));
    append(edits.subarray(4, 4 + added));
    rest = rest.subarray(kept + removed);
    edits = edits.subarray(4 + added);
  }
  append(rest);
  return out.subarray(0, to);
}
