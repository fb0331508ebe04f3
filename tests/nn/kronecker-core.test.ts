/**
 * @file The Kronecker core by hand: NTK = P·K·Pᵀ with K = Σ_sites D·(G ⊗ I)·Dᵀ, for the Elman RNN, the GRU and attention.
 *
 * The states of a layer satisfy z = F(z, θ). K is the NTK of F with the states held fixed: D is the local Jacobian from a
 * site's pre-activation to the state, G the Gram matrix of the site's inputs (+ 1 for a bias). P = (I − ∂F/∂z)⁻¹ carries
 * changes of earlier states forward. All formulas are written out here; the library knows none of them.
 */

import { empiricalNtk, forward, importSpec, initializeSpec, loadRuntime, type Tensor } from 'tangedge';
import { describe, expect, test } from 'vitest';
import { maxAbs } from '../golden/read-case.ts';
import { randomTensor } from '../ntk/networks.ts';

type Matrix = number[][];

const rt = await loadRuntime();

const zeros = (rows: number, columns: number): Matrix => Array.from({ length: rows }, () => new Array<number>(columns).fill(0));
const dot = (a: readonly number[], b: readonly number[]) => a.reduce((total, value, i) => total + value * b[i], 0);
const transposed = (a: Matrix): Matrix => a[0].map((_, j) => a.map((row) => row[j]));
const times = (a: Matrix, b: Matrix): Matrix => a.map((row) => transposed(b).map((column) => dot(row, column)));
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

/** Rows [from, to) of a two-dimensional Tensor. */
function rowsOf({ shape: [, columns], data }: Tensor, from: number, to: number): Matrix {
  return Array.from({ length: to - from }, (_, r) => [...data.subarray((from + r) * columns, (from + r + 1) * columns)]);
}

/** max|Θ − expected| / max|expected| for Θ [n, n, c, c] against a matrix over (example, output). */
function kernelError({ shape: [n, , c], data }: Tensor, expected: Matrix): number {
  let largest = 0;
  for (let row = 0; row < n * c; row++) {
    for (let column = 0; column < n * c; column++) {
      const [i, o, j, q] = [Math.floor(row / c), row % c, Math.floor(column / c), column % c];
      const difference = Math.abs(data[((i * n + j) * c + o) * c + q] - expected[row][column]);
      if (!(difference <= largest)) largest = difference;
    }
  }
  return largest / maxAbs(expected.flat());
}

const [N, T, H, D] = [2, 4, 3, 2];

/** A recurrent layer whose outputs are all its states, flat: output t·H + i. */
function recurrentModel(type: 'RNN' | 'GRU') {
  const layers = [{ type, name: 'r', input_size: D, hidden_size: H }, { type: 'Flatten' }];
  const spec = { input_shape: [1, T, D], layers };
  const state = initializeSpec(rt, spec, { seed: 9, dtype: 'f64' });
  const model = importSpec(spec, state);
  const x = randomTensor(21, [N, T, D], 1.5);
  const states = forward(rt, model, x).data;
  const read = (key: string) => state.get(`r.${key}_l0`) as Tensor;
  /** h after step t; zero before the first. */
  const h = (n: number, t: number) => (t < 0 ? new Array<number>(H).fill(0) : [...states.subarray((n * T + t) * H, (n * T + t + 1) * H)]);
  const input = (n: number, t: number) => [...x.data.subarray((n * T + t) * D, (n * T + t + 1) * D)];
  return { kernel: empiricalNtk(rt, model, x), read, h, input };
}

/** P·K·Pᵀ for K over (example, time, unit): (P q)_t = q_t + J_t·(P q)_{t−1}. */
function propagated(core: Matrix, jacobianOf: (n: number, t: number) => Matrix): Matrix {
  const carry = (columns: Matrix): Matrix => {
    const out = columns.map((row) => [...row]);
    for (let n = 0; n < N; n++) {
      for (let t = 1; t < T; t++) {
        const before = out.slice((n * T + t - 1) * H, (n * T + t) * H);
        times(jacobianOf(n, t), before).forEach((row, i) => {
          row.forEach((value, k) => {
            out[(n * T + t) * H + i][k] += value;
          });
        });
      }
    }
    return out;
  };
  return transposed(carry(transposed(carry(core))));
}

/** Σ_s G_s[α, β]·d_s[α, i]·d_s[β, i] on equal units, 0 elsewhere: sites with diagonal D. α runs over (example, time). */
function diagonalCore(sites: readonly { gram: (a: number, b: number) => number; d: Matrix }[]): Matrix {
  const core = zeros(N * T * H, N * T * H);
  for (let a = 0; a < N * T; a++) {
    for (let b = 0; b < N * T; b++) {
      for (let i = 0; i < H; i++) {
        for (const { gram, d } of sites) core[a * H + i][b * H + i] += gram(a, b) * d[a][i] * d[b][i];
      }
    }
  }
  return core;
}

const positions = Array.from({ length: N * T }, (_, a) => [Math.floor(a / T), a % T] as const);

describe('hidden NTK = P·K·Pᵀ to 1e-10', () => {
  test('Elman RNN h′ = tanh(W·h + U·x + b₁ + b₂): K = D(M·Mᵀ ⊗ I)D with M = [h, x, 1, 1], D = 1 − h′²', () => {
    const { kernel, read, h, input } = recurrentModel('RNN');
    const w = rowsOf(read('weight_hh'), 0, H);
    const m = positions.map(([n, t]) => [...h(n, t - 1), ...input(n, t), 1, 1]);
    const d = positions.map(([n, t]) => h(n, t).map((value) => 1 - value * value));
    const core = diagonalCore([{ gram: (a, b) => dot(m[a], m[b]), d }]);
    const expected = propagated(core, (n, t) => w.map((row, i) => row.map((value) => d[n * T + t][i] * value)));
    expect(kernelError(kernel, expected)).toBeLessThan(1e-10);
  });

  test('GRU: six sites, gates r, z, n from x and from h', () => {
    const { kernel, read, h, input } = recurrentModel('GRU');
    const gate = (index: number) => {
      const [w, u] = [rowsOf(read('weight_hh'), index * H, (index + 1) * H), rowsOf(read('weight_ih'), index * H, (index + 1) * H)];
      const bias = (key: string) => [...read(key).data.subarray(index * H, (index + 1) * H)];
      const [fromInput, fromHidden] = [bias('bias_ih'), bias('bias_hh')];
      return {
        w,
        fromInput: (n: number, t: number) => u.map((row, i) => dot(row, input(n, t)) + fromInput[i]),
        fromHidden: (n: number, t: number) => w.map((row, i) => dot(row, h(n, t - 1)) + fromHidden[i]),
      };
    };
    const [reset, update, candidate] = [0, 1, 2].map(gate);
    const parts = positions.map(([n, t]) => {
      const previous = h(n, t - 1);
      const sum = ({ fromInput, fromHidden }: ReturnType<typeof gate>) => fromHidden(n, t).map((value, i) => value + fromInput(n, t)[i]);
      const r = sum(reset).map(sigmoid);
      const z = sum(update).map(sigmoid);
      const hidden = candidate.fromHidden(n, t);
      const c = candidate.fromInput(n, t).map((value, i) => Math.tanh(value + r[i] * hidden[i]));
      const dN = z.map((value, i) => (1 - value) * (1 - c[i] * c[i]));
      return {
        z,
        dZ: z.map((value, i) => (previous[i] - c[i]) * value * (1 - value)),
        dN,
        dR: dN.map((value, i) => value * hidden[i] * r[i] * (1 - r[i])),
        dNr: dN.map((value, i) => value * r[i]),
      };
    });
    const ofInput = (a: number, b: number) => dot(input(...positions[a]), input(...positions[b])) + 1;
    const before = positions.map(([n, t]) => h(n, t - 1));
    const ofHidden = (a: number, b: number) => dot(before[a], before[b]) + 1;
    const [dZ, dN, dR, dNr] = (['dZ', 'dN', 'dR', 'dNr'] as const).map((key) => parts.map((part) => part[key]));
    const fromInput = [dR, dZ, dN].map((d) => ({ gram: ofInput, d }));
    const fromHidden = [dR, dZ, dNr].map((d) => ({ gram: ofHidden, d }));
    const core = diagonalCore([...fromInput, ...fromHidden]);
    const expected = propagated(core, (n, t) => {
      const a = n * T + t;
      return reset.w.map((row, i) =>
        row.map((value, j) => (i === j ? parts[a].z[i] : 0) + dR[a][i] * value + dZ[a][i] * update.w[i][j] + dNr[a][i] * candidate.w[i][j]),
      );
    });
    expect(kernelError(kernel, expected)).toBeLessThan(1e-10);
  });
});

describe('self-attention: sites q, k, v, o with their D matrices, to 1e-10', () => {
  const [S, E] = [4, 4];

  test.each([1, 2])('%i heads', (heads) => {
    const width = E / heads;
    const layers = [{ type: 'MultiheadAttention', name: 'm', embed_dim: E, num_heads: heads }, { type: 'Flatten' }];
    const spec = { input_shape: [1, S, E], layers };
    const shapes = { in_proj_weight: [3 * E, E], in_proj_bias: [3 * E], 'out_proj.weight': [E, E], 'out_proj.bias': [E] };
    const state = new Map(Object.entries(shapes).map(([key, shape], i) => [`m.${key}`, randomTensor(70 + i, shape)]));
    const x = randomTensor(80, [N, S, E], 1.5);
    const kernel = empiricalNtk(rt, importSpec(spec, state), x);

    const read = (key: string) => state.get(`m.${key}`) as Tensor;
    const out = rowsOf(read('out_proj.weight'), 0, E);
    /** Projection `part` (q, k, v) of a head, tokens as rows. */
    const projected = (tokens: Matrix, part: number, head: number): Matrix => {
      const from = part * E + head * width;
      const weight = rowsOf(read('in_proj_weight'), from, from + width);
      return tokens.map((token) => weight.map((row, i) => dot(row, token) + read('in_proj_bias').data[from + i]));
    };
    const examples = Array.from({ length: N }, (_, n) => {
      const tokens = Array.from({ length: S }, (_, s) => [...x.data.subarray((n * S + s) * E, (n * S + s + 1) * E)]);
      const perHead = Array.from({ length: heads }, (_, head) => {
        const [q, k, v] = [0, 1, 2].map((part) => projected(tokens, part, head));
        const attention = times(q, transposed(k)).map((row) => {
          const e = row.map((value) => Math.exp(value / Math.sqrt(width)));
          const total = e.reduce((a, b) => a + b, 0);
          return e.map((value) => value / total);
        });
        const outOfHead = out.map((row) => row.slice(head * width, (head + 1) * width));
        // R_i = W_O·Vᵀ·(diag A_i − A_i·A_iᵀ)/√d, [outputs, tokens]
        const r = attention.map((a) => {
          const slope = a.map((ai, s) => a.map((aj, u) => ((s === u ? ai : 0) - ai * aj) / Math.sqrt(width)));
          return times(times(outOfHead, transposed(v)), slope);
        });
        // D [(i, output), (j, unit)] of each site
        const siteJacobian = (entry: (i: number, o: number, j: number, u: number) => number): Matrix =>
          Array.from({ length: S * E }, (_, row) =>
            Array.from({ length: S * width }, (_, column) => entry(Math.floor(row / E), row % E, Math.floor(column / width), column % width)),
          );
        const dQ = siteJacobian((i, o, j, u) => (i === j ? r[i][o].reduce((total, value, s) => total + value * k[s][u], 0) : 0));
        const dK = siteJacobian((i, o, j, u) => r[i][o][j] * q[i][u]);
        const dV = siteJacobian((i, o, j, u) => attention[i][j] * outOfHead[o][u]);
        return { sites: [dQ, dK, dV], mixed: times(attention, v) };
      });
      const mixed = tokens.map((_, s) => perHead.flatMap((part) => part.mixed[s]));
      return { tokens, mixed, sites: perHead.flatMap(({ sites }) => sites) };
    });

    const expected = zeros(N * S * E, N * S * E);
    for (let n = 0; n < N; n++) {
      for (let m = 0; m < N; m++) {
        const gram = (a: Matrix, b: Matrix, i: number, j: number) => dot(a[i], b[j]) + 1;
        const [left, right] = [examples[n], examples[m]];
        const block = zeros(S * E, S * E);
        left.sites.forEach((d, site) => {
          // D·(G ⊗ I)
          const weighted = d.map((row) =>
            row.map((_, column) => {
              const [j, u] = [Math.floor(column / width), column % width];
              return left.tokens.reduce((total, _, i) => total + row[i * width + u] * gram(left.tokens, right.tokens, i, j), 0);
            }),
          );
          times(weighted, transposed(right.sites[site])).forEach((row, i) => {
            row.forEach((value, j) => {
              block[i][j] += value;
            });
          });
        });
        block.forEach((row, i) => {
          row.forEach((value, j) => {
            const output = i % E === j % E ? gram(left.mixed, right.mixed, Math.floor(i / E), Math.floor(j / E)) : 0;
            expected[n * S * E + i][m * S * E + j] = value + output;
          });
        });
      }
    }
    expect(kernelError(kernel, expected)).toBeLessThan(1e-10);
  });
});
