/**
 * @file The messages of an ONNX file that an import needs, as plain data: model, graph, node, attribute, tensor, value info.
 *
 * Field numbers from onnx.proto3 (onnx 1.12, IR version 8). Fields that say nothing about the computation (doc strings,
 * denotations, metadata) are skipped; sub-graphs of control flow are not read, the operators that carry them being refused.
 */

import { fail, packedVarints, type WireField, type WireMessage, wireFields } from './wire.ts';

export interface OnnxModel {
  readonly producer: string;
  /** Version of the default operator set; undefined when the file imports none. */
  readonly opset: number | undefined;
  readonly graph: OnnxGraph | undefined;
}

export interface OnnxGraph {
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly OnnxTensor[];
  readonly inputs: readonly OnnxValueInfo[];
  readonly outputs: readonly OnnxValueInfo[];
  readonly hasSparseInitializers: boolean;
}

export interface OnnxNode {
  readonly name: string;
  readonly type: string;
  readonly domain: string;
  /** '' stands for an optional input or output that is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: readonly OnnxAttribute[];
}

/** One attribute; every kind of value that the file gave it. */
export interface OnnxAttribute {
  readonly name: string;
  readonly float?: number;
  readonly integer?: number;
  readonly string?: string;
  readonly tensor?: OnnxTensor;
  readonly floats: readonly number[];
  readonly integers: readonly number[];
}

/** A tensor still as stored: `raw` holds raw_data, or float_data and double_data, whose packed bytes are the same. */
export interface OnnxTensor {
  readonly name: string;
  /** TensorProto.DataType. */
  readonly dataType: number;
  readonly dims: readonly number[];
  readonly raw: readonly Uint8Array[];
  /** int32_data, int64_data or uint64_data. */
  readonly integers: readonly bigint[];
  /** Which of the data fields are there, for checks: 4 5 6 7 9 10 11. */
  readonly dataFields: readonly number[];
  /** File that holds the data, when it is not in this one. */
  readonly external: boolean;
  readonly offset: number;
}

export interface OnnxValueInfo {
  readonly name: string;
  /** TensorProto.DataType; undefined when it is no tensor. */
  readonly elementType: number | undefined;
  /** A number, a name (open), or '' (open, unnamed) per axis; undefined when no shape is given. */
  readonly shape: readonly (number | string)[] | undefined;
}

/**
 * Reads a ModelProto.
 *
 * @throws {TangedgeError} ERR_FORMAT with the file offset where the bytes are no such message.
 */
export function readModel(file: Uint8Array): OnnxModel {
  const message = { bytes: file, offset: 0, name: 'model' };
  let producer = '';
  let opset: number | undefined;
  let graph: OnnxGraph | undefined;
  for (const field of wireFields(message)) {
    if (field.number === 2) producer = stringOf(message, field);
    else if (field.number === 7) {
      if (graph !== undefined) fail(message, field.offset, 'has a second graph');
      graph = readGraph(messageOf(message, field, file, 'graph'));
    } else if (field.number === 8) {
      const { domain, version } = readOperatorSet(messageOf(message, field, file, 'operator set'));
      if (domain === '' || domain === 'ai.onnx') opset = version;
    }
  }
  return { producer, opset, graph };

  function readGraph(own: WireMessage): OnnxGraph {
    const nodes: OnnxNode[] = [];
    const initializers: OnnxTensor[] = [];
    const inputs: OnnxValueInfo[] = [];
    const outputs: OnnxValueInfo[] = [];
    let hasSparseInitializers = false;
    for (const field of wireFields(own)) {
      if (field.number === 1) nodes.push(readNode(messageOf(own, field, file, 'node'), file));
      else if (field.number === 5) initializers.push(readTensor(messageOf(own, field, file, 'initializer'), file));
      else if (field.number === 11) inputs.push(readValueInfo(messageOf(own, field, file, 'input'), file));
      else if (field.number === 12) outputs.push(readValueInfo(messageOf(own, field, file, 'output'), file));
      else if (field.number === 15) hasSparseInitializers = true;
    }
    return { nodes, initializers, inputs, outputs, hasSparseInitializers };
  }
}

function readOperatorSet(message: WireMessage): { domain: string; version: number } {
  let domain = '';
  let version = 0;
  for (const field of wireFields(message)) {
    if (field.number === 1) domain = stringOf(message, field);
    else if (field.number === 2) version = integerOf(message, field);
  }
  return { domain, version };
}

function readNode(message: WireMessage, file: Uint8Array): OnnxNode {
  const inputs: string[] = [];
  const outputs: string[] = [];
  const attributes: OnnxAttribute[] = [];
  let [name, type, domain] = ['', '', ''];
  for (const field of wireFields(message)) {
    if (field.number === 1) inputs.push(stringOf(message, field));
    else if (field.number === 2) outputs.push(stringOf(message, field));
    else if (field.number === 3) name = stringOf(message, field);
    else if (field.number === 4) type = stringOf(message, field);
    else if (field.number === 5) attributes.push(readAttribute(messageOf(message, field, file, 'attribute'), file));
    else if (field.number === 7) domain = stringOf(message, field);
  }
  return { name, type, domain, inputs, outputs, attributes };
}

function readAttribute(message: WireMessage, file: Uint8Array): OnnxAttribute {
  let name = '';
  const value: { float?: number; integer?: number; string?: string; tensor?: OnnxTensor } = {};
  const floats: number[] = [];
  const integers: number[] = [];
  for (const field of wireFields(message)) {
    if (field.number === 1) name = stringOf(message, field);
    else if (field.number === 2) [value.float] = floatsOf(message, field);
    else if (field.number === 3) value.integer = integerOf(message, field);
    else if (field.number === 4) value.string = stringOf(message, field);
    else if (field.number === 5) value.tensor = readTensor(messageOf(message, field, file, 'tensor'), file);
    else if (field.number === 7) for (const float of floatsOf(message, field)) floats.push(float);
    else if (field.number === 8) for (const integer of integersOf(message, field, file)) integers.push(Number(integer));
  }
  return { name, ...value, floats, integers };
}

function readTensor(message: WireMessage, file: Uint8Array): OnnxTensor {
  let name = '';
  let dataType = 0;
  let external = false;
  const dims: number[] = [];
  const raw: Uint8Array[] = [];
  const integers: bigint[] = [];
  const dataFields = new Set<number>();
  for (const field of wireFields(message)) {
    if (field.number === 1) for (const extent of integersOf(message, field, file)) dims.push(Number(extent));
    else if (field.number === 2) dataType = integerOf(message, field);
    else if (field.number === 8) name = stringOf(message, field);
    else if (field.number === 13) external = true;
    else if (field.number === 14) external ||= integerOf(message, field) !== 0;
    else if ([4, 9, 10].includes(field.number)) raw.push(bytesOf(message, field));
    else if ([5, 7, 11].includes(field.number)) for (const integer of integersOf(message, field, file)) integers.push(integer);
    if ([4, 5, 6, 7, 9, 10, 11].includes(field.number)) dataFields.add(field.number);
  }
  return { name, dataType, dims, raw, integers, dataFields: [...dataFields], external, offset: message.offset };
}

function readValueInfo(message: WireMessage, file: Uint8Array): OnnxValueInfo {
  let name = '';
  let tensorType: { elementType: number; shape?: (number | string)[] } | undefined;
  for (const field of wireFields(message)) {
    if (field.number === 1) name = stringOf(message, field);
    else if (field.number === 2) {
      const type = messageOf(message, field, file, 'type');
      for (const kind of wireFields(type)) {
        tensorType = kind.number === 1 ? readTensorType(messageOf(type, kind, file, 'tensor type'), file) : tensorType;
      }
    }
  }
  return { name, elementType: tensorType?.elementType, shape: tensorType?.shape };
}

function readTensorType(message: WireMessage, file: Uint8Array): { elementType: number; shape?: (number | string)[] } {
  let elementType = 0;
  let shape: (number | string)[] | undefined;
  for (const field of wireFields(message)) {
    if (field.number === 1) elementType = integerOf(message, field);
    else if (field.number === 2) {
      const own = messageOf(message, field, file, 'shape');
      shape = [];
      for (const dimension of wireFields(own)) {
        if (dimension.number === 1) shape.push(readDimension(messageOf(own, dimension, file, 'dimension')));
      }
    }
  }
  return { elementType, shape };
}

function readDimension(message: WireMessage): number | string {
  let extent: number | string = '';
  for (const field of wireFields(message)) {
    if (field.number === 1) extent = integerOf(message, field);
    else if (field.number === 2) extent = stringOf(message, field);
  }
  return extent;
}

function bytesOf(message: WireMessage, field: WireField): Uint8Array {
  return field.type === 'varint' ? fail(message, field.offset, `has an integer in field ${field.number}`) : field.bytes;
}

function messageOf(message: WireMessage, field: WireField, file: Uint8Array, name: string): WireMessage {
  if (field.type !== 'bytes') return fail(message, field.offset, `has no message in field ${field.number}`);
  return { bytes: field.bytes, offset: field.bytes.byteOffset - file.byteOffset, name };
}

function stringOf(message: WireMessage, field: WireField): string {
  if (field.type !== 'bytes') return fail(message, field.offset, `has no string in field ${field.number}`);
  return new TextDecoder().decode(field.bytes);
}

function integerOf(message: WireMessage, field: WireField): number {
  return field.type === 'varint' ? Number(field.value) : fail(message, field.offset, `has no integer in field ${field.number}`);
}

/** A repeated integer comes one by one or packed. */
function integersOf(message: WireMessage, field: WireField, file: Uint8Array): bigint[] {
  return field.type === 'varint' ? [field.value] : packedVarints(messageOf(message, field, file, 'list of integers'));
}

function floatsOf(message: WireMessage, field: WireField): number[] {
  const bytes = bytesOf(message, field);
  if (bytes.length % 4 !== 0) fail(message, field.offset, `has ${bytes.length} bytes of floats in field ${field.number}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: bytes.length / 4 }, (_, i) => view.getFloat32(4 * i, true));
}
