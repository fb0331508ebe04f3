/**
 * @file numpy's .npy format, versions 1–3: one array with a Python dict literal as its header.
 *
 *   93 'NUMPY' | major minor | header length, u16 (v1) or u32 (v2, v3) | header, ends in \n | elements
 *   0        6  6          8   8                              10 or 12  …                    data
 *
 * Source: numpy, NEP 1 and `numpy.lib.format`.
 */

import { TangedgeError } from '../core/errors.ts';
import { formatShape, type Tensor } from '../core/tensor.ts';
import { parseNpyHeader } from './npy-header.ts';
import { decodeArray, littleEndianBytes, storedBytes } from './raw-array.ts';

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
/** The first data byte lies on a multiple of this. */
const ALIGNMENT = 64;
/** numpy leaves room for the first extent to grow to this many digits. */
const GROWTH_DIGITS = 21;

/**
 * The array in an .npy file, row-major: `<f4`, `<f2` → Float32Array; f8, integers of 8–64 bits and bool → Float64Array.
 *
 * Both byte orders, C and Fortran order (reordered), 0-d and empty arrays. Costs one pass; allocates the size of the file.
 *
 * @throws {TangedgeError} ERR_FORMAT for bytes that are no npy file, are cut short or go on after the array ·
 * ERR_UNSUPPORTED for object, string, complex, structured and date dtypes, and integers beyond ±2^53.
 */
export function readNpy(bytes: Uint8Array): Tensor {
  const { text, dataOffset } = headerOf(bytes);
  const { type, byteOrder, fortranOrder, shape } = parseNpyHeader(text);
  const wanted = storedBytes('readNpy', 'the array', type, shape);
  const got = bytes.length - dataOffset;
  if (got !== wanted) {
    throw new TangedgeError(
      'ERR_FORMAT',
      `readNpy: shape ${formatShape(shape)} of ${type} takes ${wanted} bytes from byte ${dataOffset} on, the file has ${got}: ${
        got < wanted ? 'it is cut short. Save or copy it again.' : 'something follows the array. Save one array per file.'
      }`,
      { offset: dataOffset, wanted, got },
    );
  }
  return decodeArray('readNpy', 'the array', bytes.subarray(dataOffset), {
    type,
    shape,
    byteOrder,
    axisOrder: fortranOrder ? 'column-major' : 'row-major',
  });
}

/** The Tensor as a version 1 .npy file (`<f8` or `<f4`, C order), byte for byte what `numpy.save` writes. */
export function writeNpy(t: Tensor): Uint8Array {
  const descr = t.data instanceof Float32Array ? '<f4' : '<f8';
  const tuple = t.shape.length === 1 ? `(${t.shape[0]},)` : `(${t.shape.join(', ')})`;
  const growth = t.shape.length > 0 ? GROWTH_DIGITS - String(t.shape[0]).length : 0;
  const dict = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${tuple}, }${' '.repeat(growth)}`;
  // numpy always pads, by a whole block when the header already ends on the boundary.
  const unpadded = 10 + dict.length + 1;
  const header = `${dict}${' '.repeat(ALIGNMENT - (unpadded % ALIGNMENT))}\n`;
  const elements = littleEndianBytes(t.data);
  const out = new Uint8Array(10 + header.length + elements.length);
  out.set([...MAGIC, 1, 0, header.length & 0xff, header.length >> 8]);
  for (let i = 0; i < header.length; i++) out[10 + i] = header.charCodeAt(i);
  out.set(elements, 10 + header.length);
  return out;
}

function headerOf(bytes: Uint8Array): { text: string; dataOffset: number } {
  if (!MAGIC.every((byte, i) => bytes[i] === byte)) {
    throw new TangedgeError('ERR_FORMAT', `readNpy: the file does not start with \\x93NUMPY, so it is no .npy file. Write it with numpy.save.`, {
      length: bytes.length,
    });
  }
  const major = bytes[6];
  const lengthBytes = major === 1 ? 2 : 4;
  const start = 8 + lengthBytes;
  if (bytes.length < start) {
    throw new TangedgeError('ERR_FORMAT', `readNpy: the header starts at byte ${start}, the file has ${bytes.length}: it is cut short.`, {
      offset: start,
      got: bytes.length,
    });
  }
  if (!(major >= 1 && major <= 3 && bytes[7] === 0)) {
    throw new TangedgeError('ERR_UNSUPPORTED', `readNpy: the file is of version ${major}.${bytes[7]}; versions 1.0, 2.0 and 3.0 are read.`, {
      major,
      minor: bytes[7],
    });
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const length = lengthBytes === 2 ? view.getUint16(8, true) : view.getUint32(8, true);
  const dataOffset = start + length;
  if (dataOffset > bytes.length) {
    throw new TangedgeError(
      'ERR_FORMAT',
      `readNpy: the header of ${length} bytes at byte ${start} does not fit the file of ${bytes.length} bytes: it is cut short.`,
      { offset: start, wanted: length, got: bytes.length - start },
    );
  }
  return { text: new TextDecoder(major === 3 ? 'utf-8' : 'latin1').decode(bytes.subarray(start, dataOffset)), dataOffset };
}
