/** @file onnxruntime-web on one thread: each task is a file of one operator. */
import * as ort from 'onnxruntime-web';
import { numbers, serve } from './serve.mjs';

ort.env.wasm.numThreads = 1;
ort.env.logLevel = 'error';

const OPERATORS = { exp: 'Exp', tanh: 'Tanh', log: 'Log', sigmoid: 'Sigmoid', erf: 'Erf' };

await serve(`onnxruntime-web ${ort.env.versions.web}`, async (task) => {
  const [type, ArrayType, elementType] = task.dtype === 'f32' ? ['float32', Float32Array, 1] : ['float64', Float64Array, 11];
  if (task.kind === 'gemm') {
    const { n } = task;
    const feeds = Object.fromEntries(['a', 'b'].map((name, seed) => [name, new ort.Tensor(type, numbers(ArrayType, n * n, seed + 1), [n, n])]));
    return runner(file('MatMul', ['a', 'b'], [n, n], elementType), feeds);
  }
  if (task.kind === 'elementwise' && OPERATORS[task.name]) {
    const x = numbers(ArrayType, task.n, 5).map((v) => (task.name === 'log' ? Math.abs(v) + 1e-3 : v));
    return runner(file(OPERATORS[task.name], ['a'], [task.n], elementType), { a: new ort.Tensor(type, x, [task.n]) });
  }
  return null;
});

async function runner(bytes, feeds) {
  const session = await ort.InferenceSession.create(bytes, { executionProviders: ['wasm'] });
  return async () => (await session.run(feeds)).y.dispose?.();
}

/** A model of one node y = operator(inputs); every tensor has `shape`. */
function file(operator, inputs, shape, elementType) {
  const value = (name) => message([1, name], [2, message([1, message([1, elementType], [2, message(...shape.map((d) => [1, message([1, d])]))])])]);
  const node = message(...inputs.map((name) => [1, name]), [2, 'y'], [4, operator]);
  const graph = message([1, node], [2, 'graph'], ...inputs.map((name) => [11, value(name)]), [12, value('y')]);
  return message([1, 8], [7, graph], [8, message([1, ''], [2, 17])]);
}

/** Protocol-buffer fields: a number is a varint, strings and bytes are length-delimited. */
function message(...fields) {
  const bytes = [];
  for (const [number, value] of fields) {
    if (typeof value === 'number') {
      bytes.push(...varint(number * 8), ...varint(value));
    } else {
      const content = typeof value === 'string' ? new TextEncoder().encode(value) : value;
      bytes.push(...varint(number * 8 + 2), ...varint(content.length), ...content);
    }
  }
  return Uint8Array.from(bytes);
}

function varint(value) {
  return value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
}
