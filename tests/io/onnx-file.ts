/** @file ONNX files written by hand, field by field, for graphs that no exporter would write. */

/** Protocol-buffer fields: [number, value]; a number is a varint, bytes and strings are length-delimited. */
type Field = readonly [number, number | bigint | string | Uint8Array | Float32];

/** A 32-bit float on the wire. */
export class Float32 {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

export function message(...fields: readonly Field[]): Uint8Array {
  const bytes: number[] = [];
  for (const [number, value] of fields) {
    if (typeof value === 'number' || typeof value === 'bigint') {
      bytes.push(...varint(number * 8), ...varint(value));
    } else if (value instanceof Float32) {
      bytes.push(...varint(number * 8 + 5), ...new Uint8Array(Float32Array.of(value.value).buffer));
    } else {
      const content = typeof value === 'string' ? new TextEncoder().encode(value) : value;
      bytes.push(...varint(number * 8 + 2), ...varint(content.length));
      for (const byte of content) bytes.push(byte);
    }
  }
  return Uint8Array.from(bytes);
}

export function varint(value: number | bigint): number[] {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    const low = Number(rest & 127n);
    rest >>= 7n;
    bytes.push(rest > 0n ? low | 128 : low);
  } while (rest > 0n);
  return bytes;
}

export type Attribute = number | Float32 | string | readonly number[] | { readonly tensor: Uint8Array };

/** A NodeProto; its name is its first output. */
export function node(
  type: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Readonly<Record<string, Attribute>> = {},
): Uint8Array {
  return message(
    ...inputs.map((name): Field => [1, name]),
    ...outputs.map((name): Field => [2, name]),
    [3, outputs[0] ?? ''],
    [4, type],
    ...Object.entries(attributes).map(([name, value]): Field => [5, attribute(name, value)]),
  );
}

function attribute(name: string, value: Attribute): Uint8Array {
  if (typeof value === 'number') return message([1, name], [3, value], [20, 2]);
  if (value instanceof Float32) return message([1, name], [2, value], [20, 1]);
  if (typeof value === 'string') return message([1, name], [4, value], [20, 3]);
  if ('tensor' in value) return message([1, name], [5, value.tensor], [20, 4]);
  return message([1, name], ...value.map((element): Field => [8, element]), [20, 7]);
}

/** A TensorProto of f32 in raw_data. */
export function floats(name: string, dims: readonly number[], values: readonly number[]): Uint8Array {
  return message(...dims.map((extent): Field => [1, extent]), [2, 1], [8, name], [9, new Uint8Array(Float32Array.from(values).buffer)]);
}

/** A TensorProto of i64 in raw_data. */
export function integers(name: string, dims: readonly number[], values: readonly (number | bigint)[]): Uint8Array {
  const data = BigInt64Array.from(values, (value) => BigInt(value));
  return message(...dims.map((extent): Field => [1, extent]), [2, 7], [8, name], [9, new Uint8Array(data.buffer)]);
}

/** A ValueInfoProto: a string names an open extent. */
export function valueInfo(name: string, shape: readonly (number | string)[], elementType = 1): Uint8Array {
  const dims = shape.map((extent): Field => [1, typeof extent === 'number' ? message([1, extent]) : message([2, extent])]);
  return message([1, name], [2, message([1, message([1, elementType], [2, message(...dims)])])]);
}

export interface GraphParts {
  readonly nodes: readonly Uint8Array[];
  readonly initializers?: readonly Uint8Array[];
  readonly inputs?: readonly Uint8Array[];
  readonly outputs?: readonly string[];
  readonly opset?: number;
}

/** A ModelProto; by default one input x [n, 3] and one output y. */
export function onnxFile({ nodes, initializers = [], inputs = [valueInfo('x', ['n', 3])], outputs = ['y'], opset = 17 }: GraphParts): Uint8Array {
  const graph = message(
    ...nodes.map((content): Field => [1, content]),
    ...initializers.map((content): Field => [5, content]),
    ...inputs.map((content): Field => [11, content]),
    ...outputs.map((name): Field => [12, message([1, name], [2, message([1, message([1, 1])])])]),
  );
  return message([1, 8], [2, 'by hand'], [7, graph], [8, message([1, ''], [2, opset])]);
}
