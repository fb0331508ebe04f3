/** @file Parsers of option values: each returns the value or throws a usage error that names what is accepted. */

import { InvalidArgumentError } from 'commander';

type Parser<T> = (text: string) => T;

/** Makes a parser for commander that refuses an option given twice, instead of letting the last one win. */
export function once<T>(parse: Parser<T>): (text: string, previous: T | undefined) => T {
  return (text, previous) => {
    if (previous !== undefined) throw new InvalidArgumentError('The option is given twice.');
    return parse(text);
  };
}

/** A whole number from `min` to `max`, in plain digits. */
export function wholeNumber(min: number, max = Number.MAX_SAFE_INTEGER): Parser<number> {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || !(value >= min && value <= max)) {
      const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
      throw new InvalidArgumentError(`It must be a whole number ${range}.`);
    }
    return value;
  };
}

/** One of a few words. */
export function oneOf<T extends string>(words: readonly T[]): Parser<T> {
  return (text) => {
    const word = words.find((candidate) => candidate === text);
    if (word === undefined) throw new InvalidArgumentError(`It must be one of ${words.join(', ')}.`);
    return word;
  };
}

/** Names separated by commas. */
export function nameList(text: string): string[] {
  const names = text.split(',').map((name) => name.trim());
  if (names.some((name) => name === '')) throw new InvalidArgumentError('It must be names separated by commas.');
  if (new Set(names).size < names.length) throw new InvalidArgumentError('It names something twice.');
  return names;
}

/** A name or path; `--out --json` is a forgotten value, not a file called `--json`. */
export function plainText(text: string): string {
  if (text === '' || text.startsWith('--')) throw new InvalidArgumentError('A value is missing there.');
  return text;
}
