/**
 * @file Puts products before their additions: of adjacent statements s ← s + x·y, `group` at a time, first all products, then all sums.
 *
 *   s0, x, y0, mul, add, =s0, s1, x, y1, mul, add, =s1   →   x, y0, mul, x, y1, mul, s1, add, =s1, s0, add, =s0
 *
 * Zen cores hand instructions in turn to the two halves of their floating-point unit, with a multiplier and an adder each: where every
 * other instruction multiplies, half of it idles. V8 ≥ 13 keeps the order of the text, and asc's optimizer writes every product where it
 * is used. No operation changes, and no bit: a sum is the same with its terms exchanged.
 */

/** An add, after a mul. */
const ADD = /^f(32x4|64x2)\.add$/;

/** What instructions of such statements do to the height of the stack: how many values they take; all but local.set leave one. */
const TAKES = [
  [/^(local\.get|v128\.const|i32\.const) /, 0],
  [/^local\.tee /, 1],
  [/^v128\.load\S*( offset=\d+)?( align=\d+)?$/, 1],
  [/^(i32|f32x4|f64x2)\.(add|sub|mul|shl)$/, 2],
];

/** The text format of a module, one instruction a line, as asc writes it. */
export function pairProducts(text, group) {
  const lines = text.split('\n');
  const out = [];
  let waiting = [];
  const flush = () => {
    if (waiting.length === group) {
      out.push(...waiting.flatMap(({ product }) => product));
      for (const { sum, add } of [...waiting].reverse()) out.push(`${indentOf(add)}local.get ${sum}`, add, `${indentOf(add)}local.set ${sum}`);
    } else {
      out.push(...waiting.flatMap(({ lines }) => lines));
    }
    waiting = [];
  };
  for (let at = 0; at < lines.length; ) {
    const statement = statementAt(lines, at);
    if (statement === undefined) {
      flush();
      out.push(lines[at++]);
      continue;
    }
    if (waiting.some(({ sum }) => names(statement.lines, sum))) flush();
    waiting.push(statement);
    if (waiting.length === group) flush();
    at += statement.lines.length;
  }
  flush();
  return out.join('\n');
}

/** The statement s ← s + product that begins at a line, if one does. */
function statementAt(lines, at) {
  const sum = /^\s*local\.get (\S+)$/.exec(lines[at])?.[1];
  if (sum === undefined) return undefined;
  let height = 1;
  for (let end = at + 1; end < lines.length; end++) {
    const instruction = lines[end].trim();
    const takes = TAKES.find(([form]) => form.test(instruction))?.[1];
    if (takes === undefined || indentOf(lines[end]) !== indentOf(lines[at])) return undefined;
    height += 1 - takes;
    if (height > 1) continue;
    const product = lines.slice(at + 1, end);
    const isSum = ADD.test(instruction) && product.at(-1)?.trim() === instruction.replace('add', 'mul');
    if (!isSum || lines[end + 1]?.trim() !== `local.set ${sum}` || names(product, sum)) return undefined;
    return { sum, product, add: lines[end], lines: lines.slice(at, end + 2) };
  }
  return undefined;
}

function names(lines, local) {
  return lines.some((line) => /^local\.(get|tee|set) /.test(line.trim()) && line.trim().endsWith(` ${local}`));
}

function indentOf(line) {
  return /^\s*/.exec(line)[0];
}
