/** @file What GET / says. */

import { VERSION } from '../core/version.ts';
import type { ServiceLimits } from './limits.ts';

export function usage(limits: ServiceLimits): string {
  return `tangedge ${VERSION}: what a neural network has learned, from its tangent kernel.

  curl -F model=@model.onnx -F inputs=@x.npy -F targets=@y.npy URL                       the report as JSON
  curl -H 'Accept: text/html' -F model=@model.onnx -F inputs=@x.npy URL > report.html    the page

Files: model (.onnx, or a JSON spec with weights), weights (.safetensors of a spec), initial (the same network before training:
.onnx, or .safetensors of the spec), inputs (.npy, [n, …]), targets (.npy: [n, c], or class numbers [n]).
Texts: dtype (f64 or f32), implementation, class-names (separated by commas), title.

At most ${limits.requestBytes} bytes a request, ${limits.examples} examples, ${limits.outputs} outputs, ${limits.wasmBytes} bytes of WebAssembly memory and ${limits.heapBytes} beside it;
features of weights with at most ${limits.featureWidth} inputs.
What is refused has a 4xx status and { "error": { "code", "message", "info" } }.
`;
}
