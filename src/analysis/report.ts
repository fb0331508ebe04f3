/** @file Report: everything one analysis found, as plain JSON. `schema/report.schema.json` is made from these types. */

/** Identifies the format; a change that breaks readers changes the number. */
export const REPORT_FORMAT = 'tangedge-report/1';

/** One analysis of one model on one set of inputs. The same inputs give the same bytes: no dates, no host, no timing. */
export interface Report {
  readonly format: 'tangedge-report/1';
  /** What the model is called, for people. */
  readonly title: string;
  readonly provenance: Provenance;
  readonly data: DataSection;
  readonly model: ModelSection;
  readonly kernel: KernelSection;
  /** null without targets. */
  readonly alignment: AlignmentSection | null;
  /** One per weight of the model that acts on inputs (dense or convolution), in the model's order. */
  readonly features: readonly FeatureSection[];
  readonly dynamics: DynamicsSection;
  /** null without an initial checkpoint. */
  readonly change: ChangeSection | null;
  /** What looks wrong with the kernel or the features; empty when nothing does. */
  readonly signatures: readonly SignatureSection[];
}

/** A known way in which kernels and features go wrong. */
export interface SignatureSection {
  /**
   * - `NOT_PSD`     λmin < −10⁻⁶·λmax
   * - `ILL_COND`    λmax/λmin > 10⁸
   * - `NFA_RANDOM`  a weight's UC-NFA within two deviations of random matrices with the spectrum of its tangents' covariance
   */
  readonly code: 'NOT_PSD' | 'ILL_COND' | 'NFA_RANDOM';
  /** The numbers and the threshold. */
  readonly evidence: string;
  /** What to change. */
  readonly advice: string;
}

/** Where the numbers come from. */
export interface Provenance {
  /** Version of tangedge that wrote this. */
  readonly version: string;
  /** Element type of the forward and backward sweeps. Kernels, spectra and alignments are f64 either way. */
  readonly dtype: 'f64' | 'f32';
  readonly sources: readonly Source[];
  /** What was left out or replaced, one sentence each; empty when nothing was. */
  readonly notes: readonly string[];
}

/** One file that went in. */
export interface Source {
  readonly role: 'model' | 'weights' | 'initial' | 'inputs' | 'targets' | 'test inputs' | 'test targets';
  readonly name: string;
  readonly bytes: number;
  /** SHA-256 of the file's bytes, 64 hex digits. */
  readonly sha256: string;
}

/** The samples, and how well the model fits them. */
export interface DataSection {
  /** n */
  readonly samples: number;
  /** Per-example shape. */
  readonly inputShape: readonly number[];
  /** c */
  readonly outputs: number;
  /** null without targets. */
  readonly targets: TargetsSummary | null;
}

export interface TargetsSummary {
  /** `'one-hot'` class indicators; `'values'` anything else. */
  readonly kind: 'one-hot' | 'values';
  /** Name and number of samples of each class; empty for `'values'`. */
  readonly classes: readonly ClassCount[];
  /** L = 1/(2n)·Σ|f − y|²: mean over samples, sum over outputs. */
  readonly loss: number;
  /** Share of samples whose largest output is the class; null for `'values'`. */
  readonly accuracy: number | null;
}

export interface ClassCount {
  readonly name: string;
  readonly samples: number;
}

/** The network, and what each way to its kernel costs. */
export interface ModelSection {
  /** Trainable scalars, p. */
  readonly parameters: number;
  readonly layers: readonly LayerSummary[];
  /** In the order in which `auto` considers them. */
  readonly implementations: readonly ImplementationCost[];
  /** Name of the one that was used. */
  readonly implementation: string;
}

export interface LayerSummary {
  readonly name: string;
  /** The layer's kind as its file names it: `Linear`, `Conv`, `Relu`. */
  readonly type: string;
  /** Per-example shape of what it returns. */
  readonly shape: readonly number[];
  readonly parameters: readonly ParameterSummary[];
}

export interface ParameterSummary {
  readonly name: string;
  readonly shape: readonly number[];
  readonly trainable: boolean;
  /** Positions where one example uses it (1 for a dense layer, pixels for a convolution). */
  readonly sites: number;
}

/** Estimated from shapes before anything ran. */
export interface ImplementationCost {
  readonly name: string;
  /** null when it does not fit. */
  readonly flops: number | null;
  /** WebAssembly memory and result; the least that is needed when it does not fit. */
  readonly bytes: number;
  /** Whether that is within the memory limit. */
  readonly fits: boolean;
}

/** The trace NTK, summed over outputs: Θ(x, x′) = Σ_c ∂f_c(x)/∂θ · ∂f_c(x′)/∂θ, [n, n]. */
export interface KernelSection {
  /** Largest first, [n]. */
  readonly eigenvalues: readonly number[];
  readonly trace: number;
  readonly frobeniusNorm: number;
  readonly ranks: EffectiveRanks;
  /** One per trainable parameter, in the model's order; they sum to `trace`. */
  readonly parameterTraces: readonly ParameterTrace[];
  /** Which samples the heat map's rows are, ordered by class when there are classes. */
  readonly rows: readonly number[];
  /** How many of `rows` belong to each class, in the order of `data.targets.classes`; empty without classes. */
  readonly rowsPerClass: readonly number[];
  readonly matrix: StoredMatrix;
}

/** Dimensionless sizes of a spectrum λ ≥ 0. */
export interface EffectiveRanks {
  /** exp(entropy of λ/Σλ) */
  readonly effectiveRank: number;
  /** (Σλ)²/Σλ² */
  readonly participationRatio: number;
  /** Σλ²/λ₁²: ‖K‖_F²/‖K‖₂² */
  readonly stableRank: number;
  /** Σλ/λ₁ */
  readonly intrinsicDimension: number;
  /** Smallest k whose k largest eigenvalues hold 95 % of Σλ. */
  readonly rankAt95: number;
  /** Eigenvalues above n·ε·λ₁, ε of the element type. */
  readonly numericalRank: number;
}

export interface ParameterTrace {
  readonly name: string;
  readonly trace: number;
}

/** A matrix to draw. `base64` holds the stored shape row-major, little endian f32. */
export interface StoredMatrix {
  /** Of what is stored. */
  readonly shape: readonly number[];
  /** Of the matrix that it stands for. */
  readonly of: readonly number[];
  /** `'exact'` all entries; `'selected'` some rows and the same columns; `'block-mean'` means of blocks of neighbors. */
  readonly sampling: 'exact' | 'selected' | 'block-mean';
  readonly dtype: 'f32';
  readonly base64: string;
}

/** How the kernel's spectrum lies to the targets. */
export interface AlignmentSection {
  /** KTA = ⟨Θ, YYᵀ⟩/(‖Θ‖·‖YYᵀ‖), uncentered. */
  readonly kernelTargetAlignment: number;
  /** The same after centering both; null when targets or kernel do not vary. */
  readonly centeredKernelAlignment: number | null;
  /** What the identity kernel gets on the same targets: alignment without any structure. */
  readonly identityAlignment: number;
  /** The same, centered; null when it is not defined. */
  readonly centeredIdentityAlignment: number | null;
  /** c_k = |u_kᵀY|²/|Y|² beside `kernel.eigenvalues`; they sum to 1. */
  readonly eigenvectorAlignment: readonly number[];
  /** Eigenvalues too close to tell apart are one eigenspace; only these sums are well defined. */
  readonly eigenspaces: readonly Eigenspace[];
}

export interface Eigenspace {
  /** Index of its first eigenvalue. */
  readonly start: number;
  readonly dimension: number;
  /** Mean of its eigenvalues. */
  readonly eigenvalue: number;
  /** Σ c_k over the eigenspace. */
  readonly alignment: number;
}

/** One weight: what it stores (NFM = WᵀW) beside what the model uses (AGOP of the weight's input). */
export interface FeatureSection {
  readonly weight: string;
  /** [in, in] of both matrices. */
  readonly size: number;
  readonly nfm: MatrixSummary;
  /** Mean over samples, sum over outputs and positions. */
  readonly agop: MatrixSummary;
  /** UC-NFA: correlation of NFM and AGOP. */
  readonly nfa: Correlation;
  /** Correlation of NFM and the square root of AGOP. */
  readonly rootNfa: Correlation;
  /** C-NFA: the same from W − W₀; null without an initial checkpoint, or when the weight did not move. */
  readonly centeredNfa: Correlation | null;
  /** Shape of the weight's input when it can be drawn as an image [height, width]; null otherwise. */
  readonly image: readonly number[] | null;
}

export interface MatrixSummary {
  readonly trace: number;
  /** Largest first, [size]. */
  readonly eigenvalues: readonly number[];
  /** [size] */
  readonly diagonal: readonly number[];
  readonly matrix: StoredMatrix;
}

/** Of two matrices, entry by entry; null when one is zero (or constant). */
export interface Correlation {
  /** ⟨A, B⟩/(‖A‖·‖B‖) */
  readonly cosine: number | null;
  /** The same after the mean of all entries is taken from each. */
  readonly centered: number | null;
}

/**
 * Gradient descent with this kernel held constant, for the loss L = 1/(2n)·Σ|f − y|² (mean over samples, sum over
 * outputs). Modes are those of the mean kernel Θ/c, as if every output had it.
 */
export interface DynamicsSection {
  /** Largest eigenvalue of the full kernel [n·c, n·c]. */
  readonly lambdaMax: number;
  /** 2n/λmax: gradient descent diverges above it; null when λmax is 0. */
  readonly maxStableLearningRate: number | null;
  /** Half of that, which the times below assume; null when λmax is 0. */
  readonly learningRate: number | null;
  /** Steps to halve each mode's residual, n·ln 2/(η·λ_k/c), beside `kernel.eigenvalues`; null where λ_k is not positive. */
  readonly halfLives: readonly (number | null)[];
  /** Σ_k c_k·(1 − η·λ_k/(c·n))^(2t), the share of |Y|² left after t steps from f = 0; null without targets. */
  readonly residual: ResidualCurve | null;
}

export interface ResidualCurve {
  /** Powers of two. */
  readonly steps: readonly number[];
  readonly share: readonly number[];
}

/** What moved between the initial checkpoint and this one, on the same samples. */
export interface ChangeSection {
  /** 1 − cos(Θ₀, Θ) */
  readonly kernelDistance: number;
  /** ‖Θ − Θ₀‖/‖Θ₀‖ */
  readonly relativeDrift: number;
  /** Centered kernel alignment of Θ₀ and Θ; null when one is constant over samples. */
  readonly cka: number | null;
  /** The initial checkpoint's. */
  readonly kernel: InitialKernel;
  /** null without targets. */
  readonly alignment: AlignmentSection | null;
  /** Of the initial model; null without targets. */
  readonly loss: number | null;
  readonly accuracy: number | null;
  /** One per trainable parameter, in the model's order. */
  readonly parameters: readonly ParameterChange[];
}

export interface InitialKernel {
  /** Largest first, [n]. */
  readonly eigenvalues: readonly number[];
  readonly trace: number;
  readonly ranks: EffectiveRanks;
  /** The same rows as the trained kernel's. */
  readonly matrix: StoredMatrix;
}

export interface ParameterChange {
  readonly name: string;
  /** ‖W − W₀‖/‖W₀‖; null when W₀ is zero. */
  readonly relativeChange: number | null;
}
