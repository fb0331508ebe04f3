/** @file The header of an .npy file: a strict parser for the one Python dict literal it may be. Nothing is evaluated. */

import { TangedgeError } from '../core/errors.ts';
import { quote } from './quote.ts';
import type { ElementType } from './raw-array.ts';

export interface NpyHeader {
  readonly type: ElementType;
  readonly byteOrder: 'little' | 'big';
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
}

const ELEMENT_TYPES: Readonly<Record<string, ElementType>> = {
  f2: 'f16',
  f4: 'f32',
  f8: 'f64',
  i1: 'i8',
  i2: 'i16',
  i4: 'i32',
  i8: 'i64',
  u1: 'u8',
  u2: 'u16',
  u4: 'u32',
  u8: 'u64',
  b1: 'bool',
};

/**
 * Reads `{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }`: these three keys, each once, in any order.
 *
 * @throws {TangedgeError} ERR_FORMAT where the text is anything else (info.offset counts from the header's start) ·
 * ERR_UNSUPPORTED for a dtype that is not read.
 */
export function parseNpyHeader(text: string): NpyHeader {
  const scanner = new Scanner(text);
  const values = new Map<string, unknown>();
  scanner.expect('{');
  while (!scanner.accept('}')) {
    const key = scanner.string();
    if (values.has(key)) scanner.fail(`the key ${quote(key)} a second time`);
    scanner.expect(':');
    if (key === 'descr') values.set(key, scanner.peek() === '[' ? scanner.structured() : scanner.string());
    else if (key === 'fortran_order') values.set(key, scanner.truthValue());
    else if (key === 'shape') values.set(key, scanner.integers());
    else scanner.fail(`the unknown key ${quote(key)}`);
    if (!scanner.accept(',') && scanner.peek() !== '}') scanner.fail('neither , nor }');
  }
  scanner.end();
  for (const key of ['descr', 'fortran_order', 'shape']) {
    if (!values.has(key)) throw new TangedgeError('ERR_FORMAT', `readNpy: the header has no ${quote(key)}; it is not numpy's.`, { key });
  }
  return {
    ...elementTypeOf(values.get('descr') as string),
    fortranOrder: values.get('fortran_order') as boolean,
    shape: values.get('shape') as number[],
  };
}

function elementTypeOf(descr: string): { type: ElementType; byteOrder: 'little' | 'big' } {
  const type = Object.hasOwn(ELEMENT_TYPES, descr.slice(1)) ? ELEMENT_TYPES[descr.slice(1)] : undefined;
  const order = descr[0];
  const oneByte = descr[2] === '1';
  if (type === undefined || !(order === '<' || order === '>' || (order === '|' && oneByte))) {
    throw new TangedgeError(
      'ERR_UNSUPPORTED',
      `readNpy: dtype ${quote(descr)}${describe(descr)} is not read. Save float16/32/64, integers or bool: array.astype('float64').`,
      { descr },
    );
  }
  return { type, byteOrder: order === '>' ? 'big' : 'little' };
}

/** What numpy calls a dtype letter that is refused. */
function describe(descr: string): string {
  const kinds: Readonly<Record<string, string>> = {
    O: ' (Python objects, pickled)',
    S: ' (byte strings)',
    a: ' (byte strings)',
    U: ' (strings)',
    c: ' (complex numbers)',
    V: ' (void or structured)',
    M: ' (dates)',
    m: ' (time differences)',
    f: ' (a float of another width)',
    '[': ' (a structured dtype)',
  };
  const kind = descr.startsWith('[') ? '[' : descr[1];
  return kind !== undefined && Object.hasOwn(kinds, kind) ? kinds[kind] : '';
}

/** Tokens of the literal, left to right, each character looked at once. */
class Scanner {
  private readonly text: string;
  private at = 0;

  constructor(text: string) {
    this.text = text;
  }

  fail(found: string): never {
    throw new TangedgeError('ERR_FORMAT', `readNpy: the header has ${found} at character ${this.at}; it is not a dict that numpy writes.`, {
      offset: this.at,
    });
  }

  /** The next character that is no white space; '' at the end. */
  peek(): string {
    while (this.at < this.text.length && ' \t\n\r'.includes(this.text[this.at])) this.at++;
    return this.text.charAt(this.at);
  }

  accept(token: string): boolean {
    if (this.peek() !== token) return false;
    this.at++;
    return true;
  }

  expect(token: string): void {
    if (!this.accept(token)) this.fail(`${this.found()} where ${token} belongs`);
  }

  string(): string {
    const mark = this.peek();
    if (mark !== "'" && mark !== '"') this.fail(`${this.found()} where a string belongs`);
    const end = this.text.indexOf(mark, this.at + 1);
    if (end < 0) this.fail('a string without an end');
    const value = this.text.slice(this.at + 1, end);
    if (value.includes('\\')) this.fail('an escape in a string');
    this.at = end + 1;
    return value;
  }

  truthValue(): boolean {
    this.peek();
    for (const [word, value] of [
      ['True', true],
      ['False', false],
    ] as const) {
      if (this.text.startsWith(word, this.at)) {
        this.at += word.length;
        return value;
      }
    }
    return this.fail(`${this.found()} where True or False belongs`);
  }

  /** `()`, `(3,)`, `(3, 4)`; an integer may carry the L of Python 2. */
  integers(): number[] {
    const values: number[] = [];
    this.expect('(');
    while (!this.accept(')')) {
      values.push(this.integer());
      if (!this.accept(',') && (this.peek() !== ')' || values.length === 1)) this.fail(`${this.found()} where , belongs`);
    }
    return values;
  }

  end(): void {
    if (this.peek() !== '') this.fail(`${this.found()} after the dict`);
  }

  /** The rest of a structured dtype, unread: it is refused by what it is. */
  structured(): never {
    const descr = this.text.slice(this.at);
    return elementTypeOf(descr) as never;
  }

  private integer(): number {
    this.peek();
    const start = this.at;
    while (this.text.charAt(this.at) >= '0' && this.text.charAt(this.at) <= '9') this.at++;
    const digits = this.text.slice(start, this.at);
    // 16 digits hold 2^53; more would lose the value before it could be judged.
    if (digits.length === 0 || digits.length > 16)
      this.fail(digits.length === 0 ? `${this.found()} where an extent belongs` : 'an extent of more than 16 digits');
    if (this.text.charAt(this.at) === 'L') this.at++;
    return Number(digits);
  }

  private found(): string {
    return this.at < this.text.length ? quote(this.text[this.at]) : 'its end';
  }
}
