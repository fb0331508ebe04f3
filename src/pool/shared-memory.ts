/** @file Shared buffers that one job after another uses: a fresh buffer costs a page fault per 4 KiB, more than the copy into it. */

/** Most bytes that are kept for later jobs. */
const MAX_KEPT = 256 * 1024 * 1024;
/** A kept buffer may be this much larger than what is asked for. */
const MAX_EXCESS = 1.25;

export class SharedMemory {
  private kept: SharedArrayBuffer[] = [];
  private keptBytes = 0;

  /** A buffer of at least so many bytes, with anything in it. */
  take(bytes: number): SharedArrayBuffer {
    const index = this.kept.findIndex(({ byteLength }) => byteLength >= bytes && byteLength <= bytes * MAX_EXCESS);
    if (index < 0) return new SharedArrayBuffer(bytes);
    const [buffer] = this.kept.splice(index, 1);
    this.keptBytes -= buffer.byteLength;
    return buffer;
  }

  /** Takes buffers back that no thread writes to any more. The oldest are dropped when there are too many. */
  give(buffers: readonly SharedArrayBuffer[]): void {
    for (const buffer of buffers) {
      this.kept.push(buffer);
      this.keptBytes += buffer.byteLength;
    }
    while (this.keptBytes > MAX_KEPT) this.keptBytes -= this.kept.shift()?.byteLength ?? this.keptBytes;
  }
}
