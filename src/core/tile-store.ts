/** @file TileStore: where finished tiles are kept between runs. The core only asks for bytes by key; files are the caller's. */

export interface TileStore {
  /** The bytes put under a key; undefined when there are none. They need not be whole: every tile carries its checksum. */
  get(key: string): Promise<Uint8Array | undefined>;
  /** Keeps bytes under a key: all of them or, when it fails, none. Keys are file names in one folder each: `<64 hex digits>/<number>`. */
  put(key: string, bytes: Uint8Array): Promise<void>;
  /** Told once per computation how many of its tiles were found whole. */
  restored?(tiles: number, of: number): void;
}
