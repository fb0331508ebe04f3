/** @file Golden files imported as their bytes: the bundle of the runtime tests holds them. */

declare module '*.npy' {
  const bytes: Uint8Array;
  export default bytes;
}
declare module '*.npz' {
  const bytes: Uint8Array;
  export default bytes;
}
declare module '*.onnx' {
  const bytes: Uint8Array;
  export default bytes;
}
declare module '*.safetensors' {
  const bytes: Uint8Array;
  export default bytes;
}
