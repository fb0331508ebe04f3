/** @file Keys that a JSON text repeats, which JSON.parse resolves silently in favour of the last. */

/**
 * The first key that some object of a JSON text has twice, or undefined. The text must be valid JSON; one pass, no recursion.
 */
export function duplicateKey(json: string): string | undefined {
  /** Keys of the open objects; undefined for an open array. */
  const open: (Set<string> | undefined)[] = [];
  for (let at = 0; at < json.length; at++) {
    const character = json[at];
    if (character === '{') open.push(new Set());
    else if (character === '[') open.push(undefined);
    else if (character === '}' || character === ']') open.pop();
    else if (character === '"') {
      const end = stringEnd(json, at);
      const keys = open[open.length - 1];
      if (keys !== undefined && isKey(json, end)) {
        const key = JSON.parse(json.slice(at, end + 1)) as string;
        if (keys.has(key)) return key;
        keys.add(key);
      }
      at = end;
    }
  }
  return undefined;
}

/** Position of the quote that closes the string opened at `start`. */
function stringEnd(json: string, start: number): number {
  let at = start + 1;
  while (json[at] !== '"') at += json[at] === '\\' ? 2 : 1;
  return at;
}

/** Whether a colon follows: in valid JSON only a key has one. */
function isKey(json: string, end: number): boolean {
  let at = end + 1;
  while (' \t\n\r'.includes(json[at])) at++;
  return json[at] === ':';
}
