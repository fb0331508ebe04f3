/**
 * @file The largest error of every element-wise function and of its derivative, in units in the last place, and where it is.
 *
 *     node scripts/accuracy.mjs [FUNCTION…]      after `npm run build`; two to three minutes for each function
 *
 * f32 on every bit pattern against C's double-precision library (accuracy/f32.c, needs gcc); f64 on some 10⁵ points, hard
 * ones among them, against mpmath (accuracy/f64.py, needs python3-mpmath). The references read blocks
 * [count u32 | x… | f(x)… | f′(x)…] and print one line. Derivatives are those of the graph, which the kernels use.
 */
import { execFileSync, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { evaluate, GraphBuilder, jvp, loadRuntime, primitives } from '../dist/index.node.js';

const { elu, softplus, unary } = primitives;
const FUNCTIONS = {
  ...Object.fromEntries(
    ['exp', 'expm1', 'log', 'sqrt', 'sin', 'cos', 'tanh', 'sigmoid', 'silu', 'erf', 'gelu'].map((name) => [name, (g, x) => unary(g, name, x)]),
  ),
  elu: (g, x) => elu(g, x, 1),
  softplus,
};

const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(FUNCTIONS);
const unknown = names.find((name) => !(name in FUNCTIONS));
if (unknown !== undefined) {
  console.error(`accuracy: there is no function '${unknown}'; there are ${Object.keys(FUNCTIONS).join(', ')}.`);
  process.exit(2);
}

const BLOCK = 1 << 16;
const rt = await loadRuntime();
const folder = mkdtempSync(join(tmpdir(), 'accuracy-'));
const here = (file) => new URL(`accuracy/${file}`, import.meta.url).pathname;
const python = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3';
try {
  const [program, fifo] = ['f32', 'fifo'].map((name) => join(folder, name));
  execFileSync('gcc', ['-O2', '-o', program, here('f32.c'), '-lm'], { stdio: 'inherit' });
  execFileSync('mkfifo', [fifo]);
  for (const name of names) {
    await compare(name, 'f64', points(name), [python, here('f64.py'), name], fifo);
    await compare(name, 'f32', bitPatterns(), [program, name], fifo);
  }
} finally {
  rmSync(folder, { recursive: true });
}

/** A named pipe, because writes to it wait: the reference judges a block while the next is computed. */
async function compare(name, dtype, blocks, command, fifo) {
  const reference = spawn('sh', ['-c', 'exec "$@" < "$0"', fifo, ...command], { stdio: ['ignore', 'inherit', 'inherit'] });
  const ended = new Promise((resolve) => reference.once('exit', resolve));
  const pipe = openSync(fifo, 'w');
  const values = derivative(name, dtype);
  for (const x of blocks) for (const part of [Uint32Array.of(x.length), x, ...values(x)]) writeAll(pipe, part);
  closeSync(pipe);
  if ((await ended) !== 0) throw new Error(`accuracy: the ${dtype} reference of ${name} failed.`);
}

function writeAll(pipe, { buffer, byteOffset, byteLength }) {
  const bytes = new Uint8Array(buffer, byteOffset, byteLength);
  for (let at = 0; at < byteLength; ) at += writeSync(pipe, bytes, at);
}

/** x ↦ [f(x), f′(x)·1]. */
function derivative(name, dtype) {
  const g = new GraphBuilder();
  const x = g.input('x', []);
  const { graph } = jvp(g.build([FUNCTIONS[name](g, x)]), [x]);
  return (data) => {
    const shape = [data.length];
    const ones = { shape, data: new data.constructor(data.length).fill(1) };
    return evaluate(rt, graph, { x: { shape, data }, 'tangent:0': ones }, { dtype }).map((output) => output.data);
  };
}

function* bitPatterns() {
  const bits = new Uint32Array(BLOCK);
  const x = new Float32Array(bits.buffer);
  for (let start = 0; start < 2 ** 32; start += BLOCK) {
    for (let i = 0; i < BLOCK; i++) bits[i] = start + i;
    yield x;
  }
}

function* points(name) {
  const { buffer, byteOffset, byteLength } = execFileSync(python, [here('f64.py'), name, 'points'], { maxBuffer: 2 ** 30 });
  const x = new Float64Array(buffer.slice(byteOffset, byteOffset + byteLength));
  for (let start = 0; start < x.length; start += BLOCK) yield x.slice(start, start + BLOCK);
}
