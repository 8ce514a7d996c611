/**
 * Precision policies by name: which class of operations runs in which format, and what of a run is emulated. Plain data;
 * the lists of TensorFlow's ops are in `tensorflow/policy.ts`.
 *
 * @module
 */
import { FORMAT_NAMES, parseFormat, parseTensorFormat } from "./format.ts";
import { formatOverride, type OpClass, type PrecisionOverride } from "./override.ts";

/** Formats by class of operations; a class that is not named runs in the type of what comes in. */
export type PolicyClasses = Readonly<Partial<Record<OpClass, string>>>;

/** A policy by class of operations. */
export interface PolicyDescription {
  /** What it reproduces, and where that was read. */
  readonly source: string;
  /** The classes' formats. */
  readonly classes: PolicyClasses;
  /** Whether the loss is scaled before gradients are taken, by a factor that follows their overflows. Default: no. */
  readonly scaled?: boolean;
}

const ALL_BFLOAT16 = {
  linear: "bfloat16",
  attention: "bfloat16",
  softmax: "bfloat16",
  layerNorm: "bfloat16",
  gelu: "bfloat16",
  residual: "bfloat16",
} as const satisfies PolicyClasses;

const PURE_SOURCE =
  "every number in bfloat16, weights and AdamW's moments too (PyTorch's model.bfloat16() with the " +
  "fused AdamW, the loss with .float()); Zamirai 2020 Revisiting BFloat16 Training: weights rounded ";

/** Names of policies that have one of their own. */
export type NamedPolicy =
  | "float32"
  | "bf16-autocast"
  | "bf16-autocast-cuda"
  | "bf16-keras"
  | "bf16-pure"
  | "bf16-pure-stochastic"
  | "bf16-pure-kahan"
  | "fp16-autocast";

/** The policies with a name of their own. `bf16-autocast` has its classes from its lists of ops. */
export const POLICY_DESCRIPTIONS: Readonly<Record<NamedPolicy, PolicyDescription>> = {
  float32: {
    source: "TensorFlow's and PyTorch's default: every op in the type of its inputs",
    classes: {},
  },
  "bf16-autocast": {
    source: 'PyTorch\'s torch.autocast("cpu", torch.bfloat16): aten/src/ATen/autocast_mode.h, the CPU lists',
    classes: {},
  },
  "bf16-autocast-cuda": {
    source:
      'PyTorch\'s torch.autocast("cuda", torch.bfloat16): aten/src/ATen/autocast_mode.h, AT_FORALL_FP32 and ' +
      "AT_FORALL_FP32_SET_OPT_DTYPE: softmax and layer_norm give float32",
    classes: { softmax: "float32", layerNorm: "float32" },
  },
  "bf16-keras": {
    source:
      "Keras 3's mixed_bfloat16: every layer computes in bfloat16, the residual stream included; variables and " +
      "losses are float32",
    classes: ALL_BFLOAT16,
  },
  "bf16-pure": {
    source: `${PURE_SOURCE}to nearest`,
    classes: { ...ALL_BFLOAT16, optimizer: "bfloat16" },
  },
  "bf16-pure-stochastic": {
    source: `${PURE_SOURCE}stochastically`,
    classes: { ...ALL_BFLOAT16, optimizer: "bfloat16-stochastic" },
  },
  "bf16-pure-kahan": {
    source: `${PURE_SOURCE}to nearest, with Kahan's compensation in bfloat16`,
    classes: { ...ALL_BFLOAT16, optimizer: "bfloat16-kahan" },
  },
  "fp16-autocast": {
    source:
      "PyTorch's torch.autocast(\"cuda\", torch.float16) with a gradient scaler as Keras 3's LossScaleOptimizer: " +
      "from 2^15, doubled after 2000 finite steps, halved and the step skipped when a gradient is not finite",
    classes: { linear: "float16", attention: "float16", softmax: "float32", layerNorm: "float32" },
    scaled: true,
  },
};

/**
 * The policy that stands for PyTorch's `torch.autocast` in bfloat16 on a kind of device: the lists of ops differ.
 *
 * @param device What ops run on.
 */
export function autocastPolicy(device: "cpu" | "gpu"): "bf16-autocast" | "bf16-autocast-cuda" {
  return device === "gpu" ? "bf16-autocast-cuda" : "bf16-autocast";
}

/** Prefix of policies that run what autocast lowers in a format of one's choice: `emulated:e4m3`. */
const EMULATED = "emulated:";

/** Names of policies. */
export type PolicyName = NamedPolicy | `emulated:${string}`;

/** What policies' names look like, for messages. */
export const POLICY_NAMES: string = `${Object.keys(POLICY_DESCRIPTIONS).join(", ")}, or emulated:FORMAT`;

/**
 * What a policy does with classes of operations. `emulated:FORMAT` has the format where `bf16-autocast` has bfloat16:
 * in products and in what follows them in their type, softmax and gelu.
 *
 * @throws {RangeError} for a name that no policy has, or a format that is none.
 */
export function describePolicy(name: string): PolicyDescription {
  if (Object.hasOwn(POLICY_DESCRIPTIONS, name)) {
    return POLICY_DESCRIPTIONS[name as NamedPolicy];
  }
  if (!name.startsWith(EMULATED)) {
    throw new RangeError(
      `Cannot use the precision policy ${
        JSON.stringify(name)
      }: wanted one of ${POLICY_NAMES}, FORMAT being ${FORMAT_NAMES}`,
    );
  }
  const format = parseTensorFormat(name.slice(EMULATED.length));
  if (format.rounding === "kahan") {
    throw new RangeError(
      `Cannot use the precision policy ${name}: Kahan's compensation is of weights, not of products`,
    );
  }
  return {
    source: `bf16-autocast with ${format.name} in the place of bfloat16, computed in float32`,
    classes: { linear: format.name, attention: format.name, softmax: format.name, gelu: format.name },
  };
}

/** The precision of a run. */
export interface RunPrecision {
  /** The policy's name. */
  readonly policy: string;
  /** Formats of layers and classes of operations. Default: none. */
  readonly overrides?: readonly PrecisionOverride[] | undefined;
}

/**
 * What of a run's precision is emulated, in words: formats and roundings that our own code makes of float32, and float16
 * products on a processor, whose sums are float32.
 *
 * @param run Its precision.
 * @param device What it ran on, as its manifest says (default: a processor).
 * @returns undefined: nothing.
 */
export function emulationOf({ policy, overrides = [] }: RunPrecision, device = "cpu"): string | undefined {
  const names = [...Object.values(classesOf(policy)), ...overrides.map(({ format }) => format)];
  const emulated = names.filter((name) =>
    parseFormat(name).emulated || device === "cpu" && parseFormat(name).storage === "float16"
  );
  return emulated.length === 0 ? undefined : `emulated ${[...new Set(emulated)].join(", ")}`;
}

/** A policy's classes; none of a policy that only another version's records know. */
function classesOf(policy: string): PolicyClasses {
  try {
    return describePolicy(policy).classes;
  } catch (error) {
    if (error instanceof RangeError) return {};
    throw error;
  }
}

/**
 * A run's precision as tables and reports name it: the policy, its overrides, and what of it is emulated. The one place
 * that makes the label.
 */
export function precisionLabel(run: RunPrecision, device?: string): string {
  const { policy, overrides = [] } = run;
  const emulation = emulationOf(run, device);
  const parts = [policy, ...overrides.map(formatOverride)].join(", ");
  return emulation === undefined ? parts : `${parts} (${emulation})`;
}
