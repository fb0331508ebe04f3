/** @file The analysis that comes with the package: its files in demo/, and what its report calls them. */

export const DEMO = {
  model: 'model.onnx',
  initial: 'initial.onnx',
  /** Archive of inputs x and class numbers y. */
  digits: 'digits.npz',
  options: { title: 'MLP 64–128–128–10 on UCI handwritten digits', image: [8, 8] },
} as const;
