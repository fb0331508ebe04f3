/** @file Typed arrays on their way to workers: into shared memory where it can be posted, and which buffers a result transfers. */

/** Arrays below this are copied with the message: sharing them costs more. */
const LEAST_SHARED_BYTES = 4096;

/** The same plain data with its large typed arrays in shared memory: each buffer is copied once, however many workers get it. */
export function withSharedArrays<T>(data: T, take: (bytes: number) => SharedArrayBuffer): T {
  const copies = new Map<ArrayBufferLike, SharedArrayBuffer>();
  const share = (view: ArrayBufferView): unknown => {
    if (view.byteLength < LEAST_SHARED_BYTES || view.buffer instanceof SharedArrayBuffer) return view;
    // Of a view that is a small part of its buffer, only the part goes along.
    const whole = view.byteLength * 2 >= view.buffer.byteLength;
    const source = whole ? new Uint8Array(view.buffer) : new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    const copy = (whole ? copies.get(view.buffer) : undefined) ?? take(source.byteLength);
    if (!(whole && copies.has(view.buffer))) new Uint8Array(copy).set(source);
    if (whole) copies.set(view.buffer, copy);
    return viewLike(view, copy, whole ? view.byteOffset : 0);
  };
  return mapData(data, share, new Map()) as T;
}

/** The buffers of the typed arrays in plain data, each once: what a result transfers instead of copying. */
export function buffersOf(data: unknown): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>();
  mapData(
    data,
    (view) => {
      if (view.buffer instanceof ArrayBuffer) buffers.add(view.buffer);
      return view;
    },
    new Map(),
  );
  return [...buffers];
}

type ViewClass = new (buffer: ArrayBufferLike, byteOffset: number, length: number) => ArrayBufferView;

function viewLike(view: ArrayBufferView, buffer: ArrayBufferLike, byteOffset: number): ArrayBufferView {
  const length = view instanceof DataView ? view.byteLength : (view as unknown as { length: number }).length;
  return new (view.constructor as ViewClass)(buffer, byteOffset, length);
}

/** A copy of plain data (objects, arrays, maps, sets) with its views replaced; what occurs twice stays one. */
function mapData(value: unknown, replace: (view: ArrayBufferView) => unknown, seen: Map<unknown, unknown>): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const known = seen.get(value);
  if (known !== undefined) return known;
  if (ArrayBuffer.isView(value)) {
    const replaced = replace(value);
    seen.set(value, replaced);
    return replaced;
  }
  const next = (child: unknown) => mapData(child, replace, seen);
  if (Array.isArray(value)) {
    const copy: unknown[] = [];
    seen.set(value, copy);
    for (const child of value) copy.push(next(child));
    return copy;
  }
  if (value instanceof Map) {
    const copy = new Map<unknown, unknown>();
    seen.set(value, copy);
    for (const [key, child] of value) copy.set(next(key), next(child));
    return copy;
  }
  if (value instanceof Set) {
    const copy = new Set<unknown>();
    seen.set(value, copy);
    for (const child of value) copy.add(next(child));
    return copy;
  }
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return value;
  const copy: Record<string, unknown> = {};
  seen.set(value, copy);
  for (const [key, child] of Object.entries(value)) copy[key] = next(child);
  return copy;
}
