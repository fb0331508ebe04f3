/** @file Files that come with the package. */

import { fileURLToPath } from 'node:url';

/** Path of a file of the package's demo folder, which lies beside the folder of the program. */
export function packagedFile(name: string): string {
  return fileURLToPath(new URL(`../demo/${name}`, import.meta.url));
}
