import { forward, importOnnx, loadRuntime, type Runtime, type Tensor, tensor } from 'tangedge';
import { beforeAll, describe, expect, test } from 'vitest';
import { fixture, refusal } from './fixture.ts';
import { Float32, floats, type GraphParts, integers, message, node, onnxFile, valueInfo } from './onnx-file.ts';

let rt: Runtime;
beforeAll(async () => {
  rt = await loadRuntime();
});

const run = (parts: GraphParts, x: Tensor) => forward(rt, importOnnx(onnxFile(parts)), x);
const values = (t: Tensor) => Array.from(t.data);
const image = (h: number, w: number) => [valueInfo('x', ['n', 1, h, w])];
const counting = (shape: readonly number[]) =>
  tensor(
    shape,
    Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i + 1),
  );

describe('windows, against sums written out by hand', () => {
  /** Σ of the window's entries inside a 1-D image of 1, 2, …, `extent`. */
  const windowSums = (extent: number, span: number, stride: number, low: number, count: number) =>
    Array.from({ length: count }, (_, i) => {
      let sum = 0;
      for (let k = 0; k < span; k++) {
        const at = i * stride - low + k;
        if (at >= 0 && at < extent) sum += at + 1;
      }
      return sum;
    });

  test.each([
    ['SAME_UPPER', 6, 3, 2, 0, 3],
    ['SAME_LOWER', 6, 3, 2, 1, 3],
    ['SAME_UPPER', 5, 3, 2, 1, 3],
    ['SAME_LOWER', 7, 2, 1, 1, 7],
    ['SAME_UPPER', 7, 2, 1, 0, 7],
    ['SAME_UPPER', 4, 1, 3, 0, 2],
    ['VALID', 7, 3, 2, 0, 3],
  ])('auto_pad %s: image %i, kernel %i, stride %i → %i before the first, %i windows', (mode, extent, span, stride, low, count) => {
    const parts = {
      nodes: [node('Conv', ['x', 'w'], ['y'], { auto_pad: mode, strides: [stride], kernel_shape: [span] })],
      initializers: [floats('w', [1, 1, span], new Array(span).fill(1))],
      inputs: [valueInfo('x', ['n', 1, extent])],
    };
    expect(values(run(parts, counting([1, 1, extent])))).toEqual(windowSums(extent, span, stride, low, count));
  });

  test('AveragePool counts what it is told to; ceil_mode follows PyTorch', () => {
    const pool = (attributes: Record<string, number | number[]>) =>
      values(
        run({ nodes: [node('AveragePool', ['x'], ['y'], { kernel_shape: [1, 2], ...attributes })], inputs: image(1, 4) }, counting([1, 1, 1, 4])),
      );
    expect(pool({ strides: [1, 2], pads: [0, 1, 0, 1] })).toEqual([1, 2.5, 4]);
    expect(pool({ strides: [1, 2], pads: [0, 1, 0, 1], count_include_pad: 1 })).toEqual([0.5, 2.5, 2]);
    expect(pool({ strides: [1, 3] })).toEqual([1.5]);
    // The window at 3 holds the 4 alone.
    expect(pool({ strides: [1, 3], ceil_mode: 1 })).toEqual([1.5, 4]);
  });

  test('MaxPool with ceil_mode drops a window that would start in the padding', () => {
    const pooled = run(
      { nodes: [node('MaxPool', ['x'], ['y'], { kernel_shape: [1, 2], strides: [1, 2], pads: [0, 1, 0, 1], ceil_mode: 1 })], inputs: image(1, 3) },
      counting([1, 1, 1, 3]),
    );
    expect(values(pooled)).toEqual([1, 3]);
  });

  test('global pools and reductions of an image', () => {
    const nodes = (type: string) => ({ nodes: [node(type, ['x'], ['y'])], inputs: [valueInfo('x', ['n', 2, 1, 3])] });
    expect(values(run(nodes('GlobalMaxPool'), counting([1, 2, 1, 3])))).toEqual([3, 6]);
    expect(values(run(nodes('GlobalAveragePool'), counting([1, 2, 1, 3])))).toEqual([2, 5]);
  });
});

describe('shape arithmetic with an open batch', () => {
  const reshapeBy = (nodes: readonly Uint8Array[], initializers: readonly Uint8Array[]) =>
    run(
      {
        nodes: [...nodes, node('Reshape', ['x', 'target'], ['z']), node('ReduceSum', ['z', 'last'], ['y'])],
        initializers: [...initializers, integers('last', [1], [-1])],
        inputs: [valueInfo('x', ['n', 2, 3])],
      },
      counting([2, 2, 3]),
    );

  test('Shape → Gather → arithmetic → Concat resolves with N as a symbol', () => {
    // target = [(N·6) / 6, 3, 2]: the batch goes through products and quotients and comes out as itself.
    const sums = reshapeBy(
      [
        node('Shape', ['x'], ['shape']),
        node('Gather', ['shape', 'zero'], ['batch'], { axis: 0 }),
        node('Mul', ['batch', 'six'], ['all']),
        node('Div', ['all', 'six'], ['batch2']),
        node('Unsqueeze', ['batch2', 'axis0'], ['head']),
        node('Slice', ['shape', 'from2', 'end'], ['three']),
        node('Slice', ['shape', 'from1', 'from2'], ['two']),
        node('Concat', ['head', 'three', 'two'], ['target'], { axis: 0 }),
      ],
      [
        integers('zero', [], [0]),
        integers('six', [], [6]),
        integers('axis0', [1], [0]),
        integers('from1', [1], [1]),
        integers('from2', [1], [2]),
        integers('end', [1], [9223372036854775807n]),
      ],
    );
    expect(sums).toEqual(tensor([2, 3], [3, 7, 11, 15, 19, 23]));
  });

  test.each([
    ['−1 for the batch', [-1, 3, 2]],
    ['0 copies the batch', [0, 3, 2]],
    ['0 and −1', [0, -1, 2]],
  ])('Reshape: %s', (_, target) => {
    expect(reshapeBy([], [integers('target', [3], target)]).data).toEqual(Float64Array.of(3, 7, 11, 15, 19, 23));
  });

  test.each([
    ['another number of examples', [3, 4]],
    ['a fixed batch in an open one', [2, 6]],
    ['the batch in the middle', [6, -1]],
    ['examples side by side', [-1]],
    ['two open axes', [-1, -1]],
    ['a size that does not fit', [-1, 4]],
    ['a negative extent', [-1, -2, -3]],
  ])('Reshape to %s is refused', async (_, target) => {
    await refusal(() => reshapeBy([], [integers('target', [target.length], target)]), ['ERR_UNSUPPORTED', 'ERR_SHAPE']);
  });

  test('integers and floats that are known divide as ONNX says', () => {
    const quotient = (a: Uint8Array, b: Uint8Array, names: readonly string[]) =>
      values(
        run(
          { nodes: [node('Div', names, ['q']), node('Cast', ['q'], ['f'], { to: 1 }), node('Mul', ['x', 'f'], ['y'])], initializers: [a, b] },
          tensor([1, 3], [1, 1, 1]),
        ),
      );
    expect(quotient(integers('a', [], [-7]), integers('b', [], [2]), ['a', 'b'])).toEqual([-3, -3, -3]);
    expect(quotient(floats('1', [], [-7]), floats('2', [], [2]), ['1', '2'])).toEqual([-3.5, -3.5, -3.5]);
  });
});

describe('numbers of formulas', () => {
  const slope = (alpha: number) =>
    run({ nodes: [node('LeakyRelu', ['x'], ['y'], { alpha: new Float32(alpha) })] }, tensor([1, 3], [-1, -1, -1])).data[0];
  const constant = (value: number) => {
    const nodes = [node('Constant', [], ['c'], { value: { tensor: floats('', [], [value]) } }), node('Mul', ['x', 'c'], ['y'])];
    return run({ nodes }, tensor([1, 3], [1, 1, 1])).data[0];
  };

  test.each([0.01, 0.1, 0.2, 1e-5, 0.044715, 1 / 3, 0.7, 12345.678, 0.1234567])(
    'an attribute or constant of %d is read as that number, not as its f32',
    (value) => {
      expect(slope(value)).toBe(-value);
      expect(constant(value)).toBe(value);
    },
  );

  test('roots of whole numbers and √(2/π) are read as such', () => {
    for (const root of [Math.SQRT2, Math.SQRT1_2, Math.sqrt(3), Math.sqrt(512), 1 / Math.sqrt(3), 1 / Math.sqrt(384), Math.sqrt(2 / Math.PI)]) {
      // The root and its reciprocal are each rounded once or twice.
      expect(Math.abs(constant(root) / root - 1)).toBeLessThanOrEqual(2 * Number.EPSILON);
      expect(constant(-root)).toBe(-constant(root));
    }
  });

  test('whatever is read rounds to the f32 in the file', () => {
    const random = new Float32Array(new Uint32Array([0x3f9d70a4, 0x3eb33333, 0x40490fdb, 0x322bcc77, 0x7f7fffff, 0x00000001, 0xbf8ccccd]).buffer);
    for (const stored of random) expect(Math.fround(constant(stored))).toBe(stored);
  });

  test('weights are left as they are stored', () => {
    const model = importOnnx(onnxFile({ nodes: [node('Mul', ['x', 'gain'], ['y'])], initializers: [floats('gain', [3], [0.1, Math.SQRT2, 0.01])] }));
    expect(model.parameters[0].value.data).toEqual(Float32Array.of(0.1, Math.SQRT2, 0.01));
  });
});

describe('parameters', () => {
  const roles = (parts: GraphParts) => importOnnx(onnxFile(parts)).parameters.map(({ name, trainable }) => `${name}${trainable ? '' : ' (stored)'}`);

  test('what is only subtracted, or divides, is a stored statistic; what is added or multiplies is trained', () => {
    const nodes = [
      node('Sub', ['x', 'mean'], ['a']),
      node('Div', ['a', 'std'], ['b']),
      node('Mul', ['b', 'gain'], ['c']),
      node('Add', ['c', 'bias'], ['y']),
    ];
    const initializers = ['bias', 'std', 'gain', 'mean'].map((name) => floats(name, [3], [1, 2, 3]));
    expect(roles({ nodes, initializers })).toEqual(['bias', 'std (stored)', 'gain', 'mean (stored)']);
  });

  test('initializers that older exporters list among the inputs as well are no inputs', () => {
    const inputs = [valueInfo('x', ['n', 3]), valueInfo('bias', [3])];
    expect(roles({ nodes: [node('Add', ['x', 'bias'], ['y'])], initializers: [floats('bias', [3], [1, 2, 3])], inputs })).toEqual(['bias']);
  });

  test('a weight that is both subtracted and multiplied is trained; one that nothing reads is none', () => {
    const nodes = [node('Sub', ['x', 'w'], ['a']), node('Mul', ['a', 'w'], ['y'])];
    expect(roles({ nodes, initializers: [floats('w', [3], [1, 2, 3]), floats('unread', [3], [1, 2, 3])] })).toEqual(['w']);
  });

  test('scalars: named ones are parameters, made-up names are numbers', () => {
    const nodes = [node('Mul', ['x', 'scale'], ['a']), node('Mul', ['a', 'onnx::Mul_7'], ['b']), node('Add', ['b', '12'], ['y'])];
    expect(roles({ nodes, initializers: [floats('12', [], [1]), floats('onnx::Mul_7', [], [2]), floats('scale', [], [3])] })).toEqual(['scale']);
  });

  test('an Identity of an initializer is a parameter of its own, behind the one used before it', () => {
    const nodes = [
      node('Identity', ['first.bias'], ['second.bias']),
      node('Add', ['x', 'first.bias'], ['a']),
      node('Mul', ['a', 'gain'], ['b']),
      node('Add', ['b', 'second.bias'], ['y']),
    ];
    expect(roles({ nodes, initializers: [floats('first.bias', [3], [0, 0, 0]), floats('gain', [3], [1, 1, 1]), floats('last', [], [1])] })).toEqual([
      'first.bias',
      'gain',
      'second.bias',
    ]);
  });

  test('typed data fields: float_data, int32_data as f16 bits, double_data, and int64_data for shapes', () => {
    const half = message([1, 3], [2, 10], [8, 'half'], [5, Uint8Array.of(0x80, 0x78, 0x80, 0x80, 0x03, 0x00)]); // 0x3c00, 0xc000, 0
    const single = message([1, 3], [2, 1], [8, 'single'], [4, new Uint8Array(Float32Array.of(1, 2, 3).buffer)]);
    const double = message([1, 3], [2, 11], [8, 'double'], [10, new Uint8Array(Float64Array.of(0.1, 0.2, 0.3).buffer)]);
    const target = message([1, 2], [2, 7], [8, 'target'], [7, -1], [7, 3]);
    const nodes = [
      node('Reshape', ['x', 'target'], ['r']),
      node('Add', ['r', 'half'], ['a']),
      node('Add', ['a', 'single'], ['b']),
      node('Add', ['b', 'double'], ['y']),
    ];
    const model = importOnnx(onnxFile({ nodes, initializers: [half, single, double, target] }));
    expect(model.parameters.map(({ value }) => value.data)).toEqual([
      Float32Array.of(1, -2, 0),
      Float32Array.of(1, 2, 3),
      Float64Array.of(0.1, 0.2, 0.3),
    ]);
  });
});

describe('what torch.onnx.export writes and this library refuses', () => {
  test.each([
    ['batchnorm-training', /BatchNormalization.*training mode.*model\.eval\(\)/],
    ['dropout-training', /Dropout.*training mode.*model\.eval\(\)/],
    ['unsupported-operator', /node "\/1\/NonZero" \(NonZero\) is not supported\. Choose an output before it.*supported are Abs, .*, Relu, /],
    ['open-width', /input "x" leaves axis 2 \("width"\) open/],
    ['two-inputs', /2 inputs \("a", "b"\)/],
    ['mean-over-batch', /axis 0, the batch/],
    ['batch-in-rows', /batch/],
    ['opset-10', /opset 10; 11 to 20 are supported/],
  ])('%s', async (name, message) => {
    const error = await refusal(() => importOnnx(fixture(`onnx/refused/${name}.onnx`)), 'ERR_UNSUPPORTED');
    expect(error.message).toMatch(message);
  });

  test.each(['batchnorm-training', 'dropout-training'])('%s has the signature BATCH_COUPLED, its evidence and advice in info', async (name) => {
    const { info } = await refusal(() => importOnnx(fixture(`onnx/refused/${name}.onnx`)), 'ERR_UNSUPPORTED');
    expect(info.signature).toMatchObject({
      code: 'BATCH_COUPLED',
      evidence: expect.stringMatching(/(BatchNormalization|Dropout)\) in training mode/),
      advice: expect.stringContaining('evaluation mode'),
    });
  });

  test('two outputs: one must be chosen, by a name that is there', async () => {
    const file = fixture('onnx/refused/two-outputs.onnx');
    expect((await refusal(() => importOnnx(file), 'ERR_ARGUMENT')).message).toMatch(/"first", "second"/);
    expect((await refusal(() => importOnnx(file, { output: 'third' }), 'ERR_ARGUMENT')).message).toMatch(
      /no output "third"; it has "first", "second"/,
    );
    const model = importOnnx(file, { output: 'second' });
    expect(model.output).toMatchObject({ name: 'second', size: 3 });
    expect(values(forward(rt, model, tensor([1, 3], [0, 0, 0])))).toEqual([1, 1, 1]);
  });
});

describe('graphs that no exporter writes', () => {
  const relu = node('Relu', ['x'], ['y']);
  const weight = floats('w', [3], [1, 2, 3]);

  test.each<[string, Uint8Array, 'ERR_FORMAT' | 'ERR_UNSUPPORTED' | 'ERR_SHAPE' | 'ERR_DOMAIN', RegExp]>([
    [
      'a cycle',
      onnxFile({ nodes: [node('Add', ['x', 'b'], ['a']), node('Relu', ['a'], ['b']), node('Relu', ['b'], ['y'])] }),
      'ERR_FORMAT',
      /reads "b", which node "b" \(Relu\) makes later/,
    ],
    ['a node that reads itself', onnxFile({ nodes: [node('Add', ['x', 'y'], ['y'])] }), 'ERR_FORMAT', /cycle/],
    [
      'a missing input',
      onnxFile({ nodes: [node('Add', ['x', 'nowhere'], ['y'])] }),
      'ERR_FORMAT',
      /node "y" \(Add\) reads "nowhere", which nothing makes/,
    ],
    ['an output nobody makes', onnxFile({ nodes: [] }), 'ERR_FORMAT', /reads "y", which nothing makes/],
    ['one name made twice', onnxFile({ nodes: [relu, relu] }), 'ERR_FORMAT', /something else makes as well/],
    ['two initializers of one name', onnxFile({ nodes: [relu], initializers: [weight, weight] }), 'ERR_FORMAT', /two initializers are named "w"/],
    ['an operand left out', onnxFile({ nodes: [node('Add', ['x'], ['y'])] }), 'ERR_FORMAT', /no input 1/],
    [
      'an operator of another domain',
      onnxFile({ nodes: [message([1, 'x'], [2, 'y'], [4, 'Relu'], [7, 'com.microsoft'])] }),
      'ERR_UNSUPPORTED',
      /com\.microsoft\.Relu/,
    ],
    ['an unknown attribute', onnxFile({ nodes: [node('Relu', ['x'], ['y'], { limit: 6 })] }), 'ERR_UNSUPPORTED', /attribute "limit"/],
    [
      'an output that is constant',
      onnxFile({ nodes: [node('Relu', ['w'], ['y'])], initializers: [weight] }),
      'ERR_UNSUPPORTED',
      /does not depend on the input/,
    ],
    [
      'NaN in a weight',
      onnxFile({ nodes: [node('Add', ['x', 'w'], ['y'])], initializers: [floats('w', [3], [1, Number.NaN, 3])] }),
      'ERR_DOMAIN',
      /"w".*index \[1\]/,
    ],
    [
      'a negative extent',
      onnxFile({ nodes: [node('Add', ['x', 'w'], ['y'])], initializers: [floats('w', [-3], [1])] }),
      'ERR_FORMAT',
      /-3 is not an extent/,
    ],
    [
      'a huge extent',
      onnxFile({ nodes: [node('Add', ['x', 'w'], ['y'])], initializers: [floats('w', [2 ** 40], [1])] }),
      'ERR_FORMAT',
      /takes 4398046511104 bytes, it has 4/,
    ],
    [
      'data in another file',
      onnxFile({ nodes: [node('Add', ['x', 'w'], ['y'])], initializers: [message([1, 3], [2, 1], [8, 'w'], [14, 1])] }),
      'ERR_UNSUPPORTED',
      /in another file/,
    ],
    [
      'a string tensor',
      onnxFile({ nodes: [node('Add', ['x', 'w'], ['y'])], initializers: [message([2, 8], [8, 'w'], [6, 'text'])] }),
      'ERR_UNSUPPORTED',
      /data type 8/,
    ],
    [
      'shapes that do not fit',
      onnxFile({ nodes: [node('Add', ['x', 'w'], ['y'])], initializers: [floats('w', [2], [1, 2])] }),
      'ERR_SHAPE',
      /node "y" \(Add\): add: shapes/,
    ],
    ['a huge input', onnxFile({ nodes: [relu], inputs: [valueInfo('x', ['n', 2 ** 30, 2 ** 30])] }), 'ERR_FORMAT', /input "x" has the shape/],
    ['an input without axes', onnxFile({ nodes: [relu], inputs: [valueInfo('x', [])] }), 'ERR_UNSUPPORTED', /no batch axis/],
    ['a boolean input', onnxFile({ nodes: [relu], inputs: [valueInfo('x', ['n', 3], 9)] }), 'ERR_UNSUPPORTED', /elements of bool/],
    [
      'a huge ConstantOfShape',
      onnxFile({
        nodes: [node('ConstantOfShape', ['s'], ['c']), node('Add', ['x', 'c'], ['y'])],
        initializers: [integers('s', [2], [2 ** 30, 2 ** 30])],
      }),
      'ERR_UNSUPPORTED',
      /at most 4096 elements/,
    ],
    [
      'a huge Pad',
      onnxFile({ nodes: [node('Pad', ['x', 'p'], ['y'])], initializers: [integers('p', [4], [0, 2 ** 31 - 1, 0, 2 ** 31 - 1])] }),
      'ERR_SHAPE',
      /too large/,
    ],
    [
      'padding the batch',
      onnxFile({ nodes: [node('Pad', ['x', 'p'], ['y'])], initializers: [integers('p', [4], [1, 0, 0, 0])] }),
      'ERR_UNSUPPORTED',
      /pads the batch/,
    ],
    [
      'mixing examples by a reshape of a moved batch',
      onnxFile({
        nodes: [node('Transpose', ['x'], ['t'], { perm: [1, 0] }), node('Reshape', ['t', 's'], ['y'])],
        initializers: [integers('s', [2], [-1, 3])],
        inputs: [valueInfo('x', [4, 3])],
      }),
      'ERR_UNSUPPORTED',
      /would mix the examples of a batch/,
    ],
    [
      'one entry per example',
      onnxFile({ nodes: [node('Add', ['x', 'w'], ['y'])], initializers: [floats('w', [2, 3], [1, 2, 3, 4, 5, 6])] }),
      'ERR_UNSUPPORTED',
      /each example of a batch its own entry/,
    ],
    [
      'a kernel larger than its image',
      onnxFile({
        nodes: [node('Conv', ['x', 'w'], ['y'])],
        initializers: [floats('w', [1, 1, 9], new Array(9).fill(1))],
        inputs: [valueInfo('x', ['n', 1, 4])],
      }),
      'ERR_SHAPE',
      /has no position/,
    ],
    [
      'an image of other channels',
      onnxFile({ nodes: [node('Conv', ['x', 'w'], ['y'])], initializers: [floats('w', [1, 2, 1], [1, 1])], inputs: [valueInfo('x', ['n', 3, 4])] }),
      'ERR_SHAPE',
      /do not chain/,
    ],
    [
      'pooling in the padding alone',
      onnxFile({ nodes: [node('MaxPool', ['x'], ['y'], { kernel_shape: [2], pads: [5, 5] })], inputs: [valueInfo('x', ['n', 1, 4])] }),
      'ERR_SHAPE',
      /padding alone/,
    ],
    [
      'an axis that is not there',
      onnxFile({ nodes: [node('ReduceSum', ['x', 'a'], ['y'])], initializers: [integers('a', [1], [7])] }),
      'ERR_FORMAT',
      /axis 7 of a value with 2 axes/,
    ],
    [
      'a negative variance',
      onnxFile({ nodes: [node('BatchNormalization', ['x', 'w', 'w', 'w', 'v'], ['y'])], initializers: [weight, floats('v', [3], [1, -1, 1])] }),
      'ERR_DOMAIN',
      /channel 1/,
    ],
    ['a division by zero', onnxFile({ nodes: [node('Div', ['x', 'z'], ['y'])], initializers: [integers('z', [], [0])] }), 'ERR_DOMAIN', /Infinity·x/],
    ['no graph', message([1, 8]), 'ERR_FORMAT', /holds no graph/],
    ['two graphs', message([7, message()], [7, message()]), 'ERR_FORMAT', /second graph/],
    ['an empty file', new Uint8Array(0), 'ERR_FORMAT', /holds no graph/],
    ['another file', new TextEncoder().encode('{"not": "onnx"}'), 'ERR_FORMAT', /byte \d+/],
    ['a varint without an end', Uint8Array.from(new Array(20).fill(255)), 'ERR_FORMAT', /more than ten bytes at byte 0/],
    ['a length beyond the file', Uint8Array.of(0x3a, 0x7f, 0), 'ERR_FORMAT', /declares a field of 127 bytes where 1 are left at byte 2/],
  ])('%s', async (_, file, code, text) => {
    expect((await refusal(() => importOnnx(file), code)).message).toMatch(text);
  });

  test('the unsupported operator is named, not what stands before it', async () => {
    const file = onnxFile({ nodes: [node('Transpose', ['x'], ['t'], { perm: [1, 0] }), node('Det', ['t'], ['y'])] });
    expect((await refusal(() => importOnnx(file), 'ERR_UNSUPPORTED')).message).toMatch(/node "y" \(Det\) is not supported/);
  });

  test('a second output is there for operators that make it, and refused for others', async () => {
    const halves = {
      nodes: [node('Split', ['x', 'sizes'], ['a', 'b'], { axis: -1 }), node('Sub', ['b', 'a'], ['y'])],
      initializers: [integers('sizes', [2], [2, 2])],
    };
    expect(values(run({ ...halves, inputs: [valueInfo('x', ['n', 4])] }, tensor([1, 4], [1, 2, 30, 40])))).toEqual([29, 38]);
    await refusal(() => importOnnx(onnxFile(halves)), 'ERR_SHAPE');
    const indices = onnxFile({ nodes: [node('Relu', ['x'], ['r', 'second']), node('Add', ['r', 'second'], ['y'])] });
    expect((await refusal(() => importOnnx(indices), 'ERR_UNSUPPORTED')).message).toMatch(/node "y" \(Add\) reads "second"/);
  });

  test('a name with line breaks does not break the line', async () => {
    const file = onnxFile({ nodes: [node('Evil\nOperator\u0000', ['x'], ['y'])] });
    expect((await refusal(() => importOnnx(file), 'ERR_UNSUPPORTED')).message).toContain('Evil\\nOperator\\u0000');
  });

  test('deep chains and nested messages end in bounded time', async () => {
    const chain = Array.from({ length: 3000 }, (_, i) => node('Relu', [i === 0 ? 'x' : `v${i}`], [i === 2999 ? 'y' : `v${i + 1}`]));
    expect(importOnnx(onnxFile({ nodes: chain })).layers.length).toBe(3000);
    await refusal(() => importOnnx(onnxFile({ nodes: Array.from({ length: 10_001 }, () => message()) })), 'ERR_UNSUPPORTED');
    let nested = message();
    for (let depth = 0; depth < 500; depth++) nested = message([6, nested]);
    await refusal(() => importOnnx(message([7, message([1, message([5, message([6, nested])])])])), ['ERR_FORMAT', 'ERR_UNSUPPORTED']);
    await refusal(() => importOnnx(message([7, new Uint8Array(2_000_000).map((_, i) => (i % 2 === 0 ? 0x0a : 0))])), 'ERR_UNSUPPORTED');
  });

  test('nodes that the output does not need may be of any kind', () => {
    const model = importOnnx(onnxFile({ nodes: [relu, node('Unknown', ['x'], ['side'])] }));
    expect(model.layers).toEqual([{ name: 'y', type: 'Relu', shape: [3], parameters: [] }]);
  });
});

describe('weights in another file', () => {
  const place = (key: string, value: string) => message([1, key], [2, value]);
  const model = (...places: Uint8Array[]) =>
    onnxFile({
      nodes: [node('Mul', ['x', 'w'], ['y'])],
      initializers: [message([1, 3], [2, 1], [8, 'w'], ...places.map((bytes): [number, Uint8Array] => [13, bytes]), [14, 1])],
    });
  const file = new Uint8Array(Float32Array.of(9, 2, 3, 4, 9).buffer);
  const stored = model(place('location', 'weights/w.bin'), place('offset', '4'), place('length', '12'));

  test('are read by the option external, each file once', () => {
    const asked: string[] = [];
    const external = (location: string) => {
      asked.push(location);
      return file;
    };
    const imported = importOnnx(stored, { external });
    expect(imported.parameters.map(({ value }) => value)).toEqual([{ shape: [3], data: Float32Array.of(2, 3, 4) }]);
    expect(values(forward(rt, imported, tensor([1, 3], [1, 10, 100])))).toEqual([2, 30, 400]);
    expect(asked).toEqual(['weights/w.bin']);
  });

  test('are refused without it', async () => {
    expect((await refusal(() => importOnnx(stored), 'ERR_UNSUPPORTED')).message).toMatch(/another file, "weights\/w\.bin"/);
  });

  test.each(['../w.bin', '/etc/w.bin', 'a/../../w.bin', 'C:w.bin', '..\\w.bin', '', 'a//b'])(
    'never from outside the folder: %j',
    async (location) => {
      const outside = model(place('location', location));
      const never = () => expect.unreachable('it was read');
      expect((await refusal(() => importOnnx(outside, { external: never }), 'ERR_FORMAT')).message).toMatch(/not a file in the model's folder/);
    },
  );

  test.each([
    ['offset', '12'],
    ['offset', '-4'],
    ['length', '99999999999999999999'],
    ['length', '24'],
  ])('with %s %s do not fit', async (key, value) => {
    const wrong = model(place('location', 'w.bin'), place('length', '12'), place(key, value));
    await refusal(() => importOnnx(wrong, { external: () => file }), 'ERR_FORMAT');
  });
});

describe('an inner value as the output', () => {
  const nodes = [
    node('Gemm', ['x', 'fc1.weight'], ['h'], { transB: 1 }),
    node('Relu', ['h'], ['r']),
    node('Gemm', ['r', 'fc2.weight'], ['y'], { transB: 1 }),
  ];
  const file = onnxFile({ nodes, initializers: [floats('fc1.weight', [2, 3], [1, 0, 0, 0, -1, 0]), floats('fc2.weight', [1, 2], [1, 1])] });

  test.each([
    ['r', [1, 0]],
    ['h', [1, -2]],
    ['fc1', [1, -2]],
    ['y', [1]],
  ])('%s: by the name of a value or of a layer', (output, expected) => {
    const model = importOnnx(file, { output });
    expect(values(forward(rt, model, tensor([1, 3], [1, 2, 3])))).toEqual(expected);
    expect(model.parameters).toHaveLength(output === 'y' ? 2 : 1);
  });

  test('a name that is nowhere', async () => {
    expect((await refusal(() => importOnnx(file, { output: 'fc3' }), 'ERR_ARGUMENT')).message).toMatch(/no output "fc3"; it has "y"/);
  });
});
