/** @file In the place of wide-module.ts where no runtime can run the wide module. */

export async function wideModule(): Promise<Uint8Array | undefined> {
  return undefined;
}
