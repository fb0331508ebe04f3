/**
 * @file The messages of an ONNX file that an import needs, as plain data: model, graph, node, attribute, tensor, value info.
 *
 * Field numbers from onnx.proto3 (onnx 1.12, IR version 8). Fields that say nothing about the computation (doc strings,
 * denotations, metadata) are skipped; sub-graphs of control flow are not read, the operators that carry them being refused.
 */

import { TangedgeError } from '../../core/errors.ts';
import { fail, offsetOf, unpackVarints, type WireField, type WireMessage, wireFields } from './wire.ts';

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
  readonly strings: readonly string[];
}

/** A tensor still as stored, its data in one of three ways. */
export interface OnnxTensor {
  readonly name: string;
  /** TensorProto.DataType. */
  readonly dataType: number;
  readonly dims: readonly number[];
  /** The one field that holds data, by its number: 4 float_data, 5 int32_data, 7 int64_data, 9 raw_data, 10 double_data, 11 uint64_data; 0: none. */
  readonly dataField: number;
  /** raw_data, or float_data and double_data, whose packed bytes are the same. */
  readonly raw: Uint8Array;
  /** int32_data, int64_data or uint64_data (as signed numbers). */
  readonly integers: readonly number[];
  /** Whether the data is in another file. */
  readonly external: ExternalPlace | undefined;
  readonly offset: number;
}

/** Where another file holds a tensor's bytes; without a location nobody can tell. */
export interface ExternalPlace {
  readonly location?: string;
  readonly offset?: number;
  readonly length?: number;
}

export interface OnnxValueInfo {
  readonly name: string;
  /** TensorProto.DataType; undefined when it is no tensor. */
  readonly elementType: number | undefined;
  /** A number, a name (open), or '' (open, unnamed) per axis; undefined when no shape is given. */
  readonly shape: readonly (number | string)[] | undefined;
}

/** Most messages and strings read from one file: several times what 10000 nodes need, little enough to keep in memory. */
const MAX_RECORDS = 500_000;

/**
 * Reads a ModelProto.
 *
 * @throws {TangedgeError} ERR_FORMAT with the file offset where the bytes are no such message · ERR_UNSUPPORTED for more than
 * half a million records.
 */
export function readModel(file: Uint8Array): OnnxModel {
  const source = { file, decoder: new TextDecoder(), recordsLeft: MAX_RECORDS };
  const message: WireMessage = { bytes: file, name: 'model', source };
  let producer = '';
  let opset: number | undefined;
  let graph: OnnxGraph | undefined;
  for (const field of wireFields(message)) {
    if (field.number === 2) producer = stringOf(message, field);
    else if (field.number === 7) {
      if (graph !== undefined) fail(message, field.offset, 'has a second graph');
      graph = readGraph(messageOf(message, field, 'graph'));
    } else if (field.number === 8) {
      const { domain, version } = readOperatorSet(messageOf(message, field, 'operator set'));
      if (domain === '' || domain === 'ai.onnx') opset = version;
    }
  }
  return { producer, opset, graph };
}

function readGraph(message: WireMessage): OnnxGraph {
  const nodes: OnnxNode[] = [];
  const initializers: OnnxTensor[] = [];
  const inputs: OnnxValueInfo[] = [];
  const outputs: OnnxValueInfo[] = [];
  let hasSparseInitializers = false;
  for (const field of wireFields(message)) {
    if (field.number === 1) nodes.push(readNode(messageOf(message, field, 'node')));
    else if (field.number === 5) initializers.push(readTensor(messageOf(message, field, 'initializer')));
    else if (field.number === 11) inputs.push(readValueInfo(messageOf(message, field, 'input')));
    else if (field.number === 12) outputs.push(readValueInfo(messageOf(message, field, 'output')));
    else if (field.number === 15) hasSparseInitializers = true;
  }
  return { nodes, initializers, inputs, outputs, hasSparseInitializers };
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

function readNode(message: WireMessage): OnnxNode {
  const inputs: string[] = [];
  const outputs: string[] = [];
  const attributes: OnnxAttribute[] = [];
  let [name, type, domain] = ['', '', ''];
  for (const field of wireFields(message)) {
    if (field.number === 1) inputs.push(stringOf(message, field));
    else if (field.number === 2) outputs.push(stringOf(message, field));
    else if (field.number === 3) name = stringOf(message, field);
    else if (field.number === 4) type = stringOf(message, field);
    else if (field.number === 5) attributes.push(readAttribute(messageOf(message, field, 'attribute')));
    else if (field.number === 7) domain = stringOf(message, field);
  }
  return { name, type, domain, inputs, outputs, attributes };
}

function readAttribute(message: WireMessage): OnnxAttribute {
  let name = '';
  const value: { float?: number; integer?: number; string?: string; tensor?: OnnxTensor } = {};
  const floats: number[] = [];
  const integers: number[] = [];
  const strings: string[] = [];
  for (const field of wireFields(message)) {
    if (field.number === 1) name = stringOf(message, field);
    else if (field.number === 2) [value.float] = floatsOf(message, field);
    else if (field.number === 3) value.integer = integerOf(message, field);
    else if (field.number === 4) value.string = stringOf(message, field);
    else if (field.number === 5) value.tensor = readTensor(messageOf(message, field, 'tensor'));
    else if (field.number === 7) for (const float of floatsOf(message, field)) floats.push(float);
    else if (field.number === 8) appendIntegers(message, field, integers);
    else if (field.number === 9) strings.push(stringOf(message, field));
  }
  return { name, ...value, floats, integers, strings };
}

function readTensor(message: WireMessage): OnnxTensor {
  let name = '';
  let dataType = 0;
  let external: ExternalPlace | undefined;
  let dataField = 0;
  let raw: Uint8Array = new Uint8Array(0);
  const dims: number[] = [];
  const integers: number[] = [];
  for (const field of wireFields(message)) {
    if (field.number === 1) appendIntegers(message, field, dims);
    else if (field.number === 2) dataType = integerOf(message, field);
    else if (field.number === 8) name = stringOf(message, field);
    else if (field.number === 13) external = { ...external, ...readPlace(messageOf(message, field, 'external data')) };
    else if (field.number === 14) external = integerOf(message, field) !== 0 ? { ...external } : external;
    else if (![4, 5, 7, 9, 10, 11].includes(field.number)) continue;
    else if (dataField !== 0 && (dataField !== field.number || raw.length > 0)) fail(message, field.offset, 'has its data in more than one piece');
    else {
      dataField = field.number;
      if ([4, 9, 10].includes(field.number)) raw = bytesOf(message, field);
      else appendIntegers(message, field, integers);
    }
  }
  return { name, dataType, dims, dataField, raw, integers, external, offset: offsetOf(message) };
}

/** One key and its value. */
function readPlace(message: WireMessage): ExternalPlace {
  let [key, value] = ['', ''];
  for (const field of wireFields(message)) {
    if (field.number === 1) key = stringOf(message, field);
    else if (field.number === 2) value = stringOf(message, field);
  }
  if (key === 'location') return { location: value };
  return key === 'offset' || key === 'length' ? { [key]: /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN } : {};
}

function readValueInfo(message: WireMessage): OnnxValueInfo {
  let name = '';
  let tensorType: { elementType: number; shape?: (number | string)[] } | undefined;
  for (const field of wireFields(message)) {
    if (field.number === 1) name = stringOf(message, field);
    else if (field.number === 2) {
      const type = messageOf(message, field, 'type');
      for (const kind of wireFields(type)) {
        tensorType = kind.number === 1 ? readTensorType(messageOf(type, kind, 'tensor type')) : tensorType;
      }
    }
  }
  return { name, elementType: tensorType?.elementType, shape: tensorType?.shape };
}

function readTensorType(message: WireMessage): { elementType: number; shape?: (number | string)[] } {
  let elementType = 0;
  let shape: (number | string)[] | undefined;
  for (const field of wireFields(message)) {
    if (field.number === 1) elementType = integerOf(message, field);
    else if (field.number === 2) {
      const own = messageOf(message, field, 'shape');
      shape = [];
      for (const dimension of wireFields(own)) {
        if (dimension.number === 1) shape.push(readDimension(messageOf(own, dimension, 'dimension')));
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

/** Bytes of a length-delimited field, counted against the file's records. */
function bytesOf(message: WireMessage, field: WireField): Uint8Array {
  if (field.type !== 'bytes') return fail(message, field.offset, `has no bytes in field ${field.number}`);
  if (message.source.recordsLeft-- <= 0) {
    throw new TangedgeError('ERR_UNSUPPORTED', `importOnnx: the file has more than ${MAX_RECORDS} records; no model of this kind does.`, {
      offset: field.offset,
    });
  }
  return field.bytes;
}

function messageOf(message: WireMessage, field: WireField, name: string): WireMessage {
  return { bytes: bytesOf(message, field), name, source: message.source };
}

function stringOf(message: WireMessage, field: WireField): string {
  return message.source.decoder.decode(bytesOf(message, field));
}

function integerOf(message: WireMessage, field: WireField): number {
  return field.type === 'varint' ? field.value : fail(message, field.offset, `has no integer in field ${field.number}`);
}

/** A repeated integer comes one by one or packed. */
function appendIntegers(message: WireMessage, field: WireField, values: number[]): void {
  if (field.type === 'varint') values.push(field.value);
  else unpackVarints(messageOf(message, field, 'list of integers'), values);
}

/** One float, or a packed list of them. */
function floatsOf(message: WireMessage, field: WireField): number[] {
  const bytes = field.type === 'fixed32' ? field.bytes : bytesOf(message, field);
  if (bytes.length % 4 !== 0) fail(message, field.offset, `has ${bytes.length} bytes of floats in field ${field.number}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: bytes.length / 4 }, (_, i) => view.getFloat32(4 * i, true));
}
