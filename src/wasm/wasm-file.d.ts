/** @file A WebAssembly file imported as workerd and its bundlers do. */

declare module '*.wasm' {
  const module: WebAssembly.Module;
  export default module;
}
