/** @file Every exported routine: one line per routine and element type. */

export { arenaBase } from "./memory";

import {
  affineArray, cosArray, eluArray, erfArray, expArray, expm1Array, erfDerivativeArray, geluArray, geluDerivativeArray, leakyReluArray, logArray, reluArray,
  sechSquaredArray, sigmoidArray, sigmoidDerivativeArray, siluArray, siluDerivativeArray, sinArray, softplusArray, sqrtArray, tanhArray,
} from "./elementwise";

export function expF64(n: i32, x: usize, out: usize): void { expArray<f64>(n, x, out); }
export function expF32(n: i32, x: usize, out: usize): void { expArray<f32>(n, x, out); }
export function expm1F64(n: i32, x: usize, out: usize): void { expm1Array<f64>(n, x, out); }
export function expm1F32(n: i32, x: usize, out: usize): void { expm1Array<f32>(n, x, out); }
export function logF64(n: i32, x: usize, out: usize): void { logArray<f64>(n, x, out); }
export function logF32(n: i32, x: usize, out: usize): void { logArray<f32>(n, x, out); }
export function sqrtF64(n: i32, x: usize, out: usize): void { sqrtArray<f64>(n, x, out); }
export function sqrtF32(n: i32, x: usize, out: usize): void { sqrtArray<f32>(n, x, out); }
export function sinF64(n: i32, x: usize, out: usize): void { sinArray<f64>(n, x, out); }
export function sinF32(n: i32, x: usize, out: usize): void { sinArray<f32>(n, x, out); }
export function cosF64(n: i32, x: usize, out: usize): void { cosArray<f64>(n, x, out); }
export function cosF32(n: i32, x: usize, out: usize): void { cosArray<f32>(n, x, out); }
export function tanhF64(n: i32, x: usize, out: usize): void { tanhArray<f64>(n, x, out); }
export function tanhF32(n: i32, x: usize, out: usize): void { tanhArray<f32>(n, x, out); }
export function sigmoidF64(n: i32, x: usize, out: usize): void { sigmoidArray<f64>(n, x, out); }
export function sigmoidF32(n: i32, x: usize, out: usize): void { sigmoidArray<f32>(n, x, out); }
export function erfF64(n: i32, x: usize, out: usize): void { erfArray<f64>(n, x, out); }
export function erfF32(n: i32, x: usize, out: usize): void { erfArray<f32>(n, x, out); }
export function geluF64(n: i32, x: usize, out: usize): void { geluArray<f64>(n, x, out); }
export function geluF32(n: i32, x: usize, out: usize): void { geluArray<f32>(n, x, out); }
export function siluF64(n: i32, x: usize, out: usize): void { siluArray<f64>(n, x, out); }
export function siluF32(n: i32, x: usize, out: usize): void { siluArray<f32>(n, x, out); }
export function softplusF64(n: i32, x: usize, out: usize): void { softplusArray<f64>(n, x, out); }
export function softplusF32(n: i32, x: usize, out: usize): void { softplusArray<f32>(n, x, out); }
export function erfDerivativeF64(n: i32, x: usize, out: usize): void { erfDerivativeArray<f64>(n, x, out); }
export function erfDerivativeF32(n: i32, x: usize, out: usize): void { erfDerivativeArray<f32>(n, x, out); }
export function sechSquaredF64(n: i32, x: usize, out: usize): void { sechSquaredArray<f64>(n, x, out); }
export function sechSquaredF32(n: i32, x: usize, out: usize): void { sechSquaredArray<f32>(n, x, out); }
export function sigmoidDerivativeF64(n: i32, x: usize, out: usize): void { sigmoidDerivativeArray<f64>(n, x, out); }
export function sigmoidDerivativeF32(n: i32, x: usize, out: usize): void { sigmoidDerivativeArray<f32>(n, x, out); }
export function siluDerivativeF64(n: i32, x: usize, out: usize): void { siluDerivativeArray<f64>(n, x, out); }
export function siluDerivativeF32(n: i32, x: usize, out: usize): void { siluDerivativeArray<f32>(n, x, out); }
export function geluDerivativeF64(n: i32, x: usize, out: usize): void { geluDerivativeArray<f64>(n, x, out); }
export function geluDerivativeF32(n: i32, x: usize, out: usize): void { geluDerivativeArray<f32>(n, x, out); }
export function reluF64(n: i32, x: usize, out: usize): void { reluArray<f64>(n, x, out); }
export function reluF32(n: i32, x: usize, out: usize): void { reluArray<f32>(n, x, out); }
export function leakyReluF64(n: i32, slope: f64, x: usize, out: usize): void { leakyReluArray<f64>(n, slope, x, out); }
export function leakyReluF32(n: i32, slope: f64, x: usize, out: usize): void { leakyReluArray<f32>(n, slope, x, out); }
export function eluF64(n: i32, alpha: f64, x: usize, out: usize): void { eluArray<f64>(n, alpha, x, out); }
export function eluF32(n: i32, alpha: f64, x: usize, out: usize): void { eluArray<f32>(n, alpha, x, out); }
export function affineF64(n: i32, scale: f64, shift: f64, x: usize, out: usize): void { affineArray<f64>(n, scale, shift, x, out); }
export function affineF32(n: i32, scale: f64, shift: f64, x: usize, out: usize): void { affineArray<f32>(n, scale, shift, x, out); }
export { microkernelF64, microkernelF32, microkernelAddF64, microkernelAddF32 } from "./gemm-microkernel";
export { gemmF64, gemmF32, gemmScratchBytesF64, gemmScratchBytesF32 } from "./gemm";
export { gemmBatchF64, gemmBatchF32 } from "./gemm-batch";
export { gemmOwnZerosF64, gemmOwnZerosF32, gemmOwnZerosScratchBytesF64, gemmOwnZerosScratchBytesF32 } from "./own-zeros";
export { ownZerosMicrokernelF64, ownZerosMicrokernelF32 } from "./own-zeros-microkernel";
export { gemmSharedZerosF64, gemmSharedZerosF32, gemmSharedZerosScratchBytesF64, gemmSharedZerosScratchBytesF32 } from "./shared-zeros";
export {
  addSwitchedF64, addSwitchedF32, switchedProductsF64, switchedProductsF32, switchedProductsScratchBytesF64, switchedProductsScratchBytesF32,
} from "./switched-products";
export { selectedMicrokernelF64, selectedMicrokernelF32 } from "./selected-microkernel";
export { rowsMicrokernelF64, rowsMicrokernelF32, stridedMicrokernelF64, stridedMicrokernelF32 } from "./skinny-microkernel";
export { gramMicrokernelF64, gramMicrokernelF32 } from "./gram-microkernel";
export { gramF64, gramF32, gramScratchBytesF64, gramScratchBytesF32 } from "./gram";
export { gramHadamardF64, gramHadamardF32 } from "./kronecker";
export { jacobianRowsF64, jacobianRowsF32 } from "./jacobian";
export {
  convolutionSharedZerosF64, convolutionSharedZerosF32, convolutionSharedZerosScratchBytesF64, convolutionSharedZerosScratchBytesF32,
} from "./convolution-shared-zeros";
export { foldF64, foldF32, im2colF64, im2colF32, unfoldF64, unfoldF32 } from "./convolution";
export {
  maxPoolSelectF64, maxPoolSelectF32, maxPoolScatterF64, maxPoolScatterF32,
  avgPoolF64, avgPoolF32, avgPoolTransposeF64, avgPoolTransposeF32,
} from "./pooling";
export { addF64, addF32, subF64, subF32, mulF64, mulF32, divF64, divF32 } from "./broadcast";
export { gateF64, gateF32, selectF64, selectF32, fillF64, fillF32 } from "./broadcast";
export { stridedCopyF64, stridedCopyF32 } from "./broadcast-copy";
export { sumF64, sumF32, dotF64, dotF32 } from "./reduce";
export { allFiniteF64, allFiniteF32 } from "./finite";
export {
  tridiagonalizeF64, tridiagonalizeF32, tridiagonalizeScratchBytesF64, tridiagonalizeScratchBytesF32,
  tridiagonalEigenF64, tridiagonalEigenF32, tridiagonalEigenScratchBytesF64, tridiagonalEigenScratchBytesF32,
  backTransformF64, backTransformF32, backTransformScratchBytesF64, backTransformScratchBytesF32,
} from "./eigh";
export {
  symmetricTilesBytesF64, symmetricTilesBytesF32, packSymmetricRowsF64, packSymmetricRowsF32,
  symmetricProductF64, symmetricProductF32, symmetricProductScratchBytesF64, symmetricProductScratchBytesF32,
} from "./symmetric-product";
export { addTileF64, addTileF32 } from "./symmetric-microkernel";
export { orthogonalizeF64, orthogonalizeF32, orthogonalizeScratchBytesF64, orthogonalizeScratchBytesF32 } from "./orthogonalize";
export { choleskyF64, choleskyF32, choleskyScratchBytesF64, choleskyScratchBytesF32 } from "./cholesky";
export {
  triangularSolveF64, triangularSolveF32, triangularSolveScratchBytesF64, triangularSolveScratchBytesF32,
} from "./triangular-solve";
export { gatherRowsF64, gatherRowsF32, scatterAddRowsF64, scatterAddRowsF32 } from "./gather";
export {
  axpyF64, axpyF32, momentumStepF64, momentumStepF32, adamStepF64, adamStepF32,
} from "./optimizer";
