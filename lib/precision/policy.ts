/**
 * Precision policies by name: the format of each operation class, and labels for runs with emulated formats. Plain
 * data. The lists of TensorFlow operations are in `tensorflow/binding/policy.ts`.
 *
 * @module
 */
import { everyQuantizer, type PolicyClasses, type PolicyFormats } from "./class_formats.ts";
import { FORMAT_NAMES, formatLabel } from "./format.ts";
import { formatOverride, type PrecisionOverride } from "./override.ts";
import { parseQuantizer, type Quantizer } from "./quantizer.ts";
import { parseRecipe, RECIPE_NAMES, type RecipeName } from "./recipes.ts";

/** A policy's formats by operation class, with their source. */
export interface PolicyDescription extends PolicyFormats {
  /** The behavior that the policy reproduces, with a citation. */
  readonly source: string;
  /**
   * True if the loss is multiplied by a dynamic loss scale, as fp16 training requires. The scale is halved when
   * gradients overflow. Default: false.
   */
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

/** Names of the predefined policies. */
export type NamedPolicy =
  | "float32"
  | "bf16-autocast"
  | "bf16-autocast-cuda"
  | "bf16-keras"
  | "bf16-pure"
  | "bf16-pure-stochastic"
  | "bf16-pure-kahan"
  | "fp16-autocast";

/** The predefined policies. The autocast policies also have lists of operations, in `tensorflow/binding/policy.ts`. */
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
 * Returns the policy that reproduces PyTorch's `torch.autocast` in bfloat16 on a kind of device. PyTorch's lists of
 * operations differ between CPU and GPU.
 *
 * @param device Kind of device.
 */
export function autocastPolicy(device: "cpu" | "gpu"): "bf16-autocast" | "bf16-autocast-cuda" {
  return device === "gpu" ? "bf16-autocast-cuda" : "bf16-autocast";
}

/** Prefix of policies that use a custom format where `bf16-autocast` uses bfloat16, such as `emulated:e4m3`. */
const EMULATED = "emulated:";

/** Name of a policy: a predefined policy, a recipe with its options, or `emulated:FORMAT`. */
export type PolicyName = NamedPolicy | RecipeName | `${RecipeName}+${string}` | `emulated:${string}`;

/** Name of a policy, or a short name: `off` for `float32`, `on` for the device's autocast policy in bfloat16. */
export type PolicyWord = PolicyName | "off" | "on";

/**
 * Returns the full name of a policy. Names other than `off` and `on` are returned unchanged.
 *
 * @param word Name or short name of a policy.
 * @param device Returns the kind of device. It is called for `on` only.
 */
export function policyNameOn(word: string, device: () => "cpu" | "gpu"): string {
  return word === "off" ? "float32" : word === "on" ? autocastPolicy(device()) : word;
}

/** Syntax of policy names, for help texts. */
export const POLICY_CHOICES: string = `${Object.keys(POLICY_DESCRIPTIONS).join(", ")}, ${RECIPE_NAMES}, ` +
  "emulated:FORMAT or emulated:FORMAT/tensor";

/** Syntax of policy names, for error messages. */
const POLICY_NAMES: string = `${
  Object.keys(POLICY_DESCRIPTIONS).join(", ")
}, a recipe with options (${RECIPE_NAMES}), or emulated:FORMAT or emulated:FORMAT/tensor`;

/**
 * Returns the formats of a policy by operation class. `emulated:FORMAT` uses the format where `bf16-autocast` uses
 * bfloat16: in matrix products, and in softmax and GELU, whose inputs are results of matrix products.
 * `emulated:FORMAT/tensor` also scales each tensor into the range of the format.
 *
 * @throws {RangeError} If the policy or the format is unknown.
 */
export function describePolicy(name: string): PolicyDescription {
  if (Object.hasOwn(POLICY_DESCRIPTIONS, name)) {
    return POLICY_DESCRIPTIONS[name as NamedPolicy];
  }
  const recipe = parseRecipe(name);
  if (recipe !== undefined) return { ...recipe, classes: {} };
  if (!name.startsWith(EMULATED)) {
    throw new RangeError(
      `Cannot use the precision policy ${
        JSON.stringify(name)
      }: expected one of ${POLICY_NAMES}, where FORMAT is ${FORMAT_NAMES}`,
    );
  }
  const format = emulatedFormat(name);
  return {
    source: `bf16-autocast with ${format} in the place of bfloat16, computed in float32`,
    classes: { linear: format, attention: format, softmax: format, gelu: format },
  };
}

/** Returns the format of an `emulated:` policy, as its canonical name. */
function emulatedFormat(policy: string): string {
  const given = policy.slice(EMULATED.length);
  const { name, format, scaling } = parseQuantizer(given);
  const refuse = (wanted: string) =>
    new RangeError(`Cannot use the precision policy ${policy}: expected ${wanted}`);
  if (format.family === "scale") {
    throw refuse(`a format of values, got one for the scales of blocks. ${FORMAT_NAMES}`);
  }
  if (format.rounding === "kahan") {
    throw refuse("a format for products, got kahan, which is for weight updates only");
  }
  if (scaling !== undefined && scaling.kind !== "tensor") {
    throw refuse(
      `the scaling tensor, got ${scaling.name}, which applies to operands of linear layers only. Use a recipe or an override`,
    );
  }
  if (name !== given) throw refuse(`its name, ${EMULATED}${name}`);
  return name;
}

/** The precision of a run: a policy and overrides. */
export interface RunPrecision {
  /** Name of the policy. */
  readonly policy: string;
  /** Overrides of the policy's formats by layer and operation class. Default: none. */
  readonly overrides?: readonly PrecisionOverride[] | undefined;
}

/**
 * Returns a description of the emulated formats of a run. A format is emulated if losskit computes its rounding or its
 * scaling in float32. float16 on a CPU also counts as emulated, because products accumulate in float32 there.
 *
 * @param run The precision of the run.
 * @param device Kind of device, as recorded in the run's manifest. Default: cpu.
 * @returns The description, such as `emulated e4m3fn/tensor`. Undefined if nothing is emulated.
 */
export function emulationOf({ policy, overrides = [] }: RunPrecision, device = "cpu"): string | undefined {
  const emulated = everyQuantizer({ ...descriptionOf(policy), overrides }).filter(({ format, scaling }) =>
    scaling !== undefined || format.emulated || device === "cpu" && format.storage === "float16"
  );
  return emulated.length === 0 ? undefined : `emulated ${[...new Set(emulated.map(labelOf))].join(", ")}`;
}

/** Returns the label of a format with its scaling. Formats that no standard defines are marked IEEE-style. */
function labelOf({ format, scaling }: Quantizer): string {
  return `${formatLabel(format)}${scaling === undefined ? "" : `/${scaling.name}`}`;
}

/** Returns a policy's formats. Empty for a policy that only another version of losskit knows. */
function descriptionOf(policy: string): PolicyFormats {
  try {
    return describePolicy(policy);
  } catch (error) {
    if (error instanceof RangeError) return { classes: {} };
    throw error;
  }
}

/**
 * Returns the label of a run's precision for tables and reports: the policy, the overrides, and the emulated formats.
 *
 * @param run The precision of the run.
 * @param device Kind of device, as recorded in the run's manifest. Default: cpu.
 */
export function precisionLabel(run: RunPrecision, device?: string): string {
  const { policy, overrides = [] } = run;
  const emulation = emulationOf(run, device);
  const parts = [policy, ...overrides.map(formatOverride)].join(", ");
  return emulation === undefined ? parts : `${parts} (${emulation})`;
}

/** Smallest share of underflowing gradient elements that gives a warning. */
const REPORTED_UNDERFLOW = 0.01;

/**
 * Returns a warning that gradients underflow and need a scaling.
 *
 * @param precision Label of the precision, from {@linkcode precisionLabel}.
 * @param share Share of gradient elements that are 0 in this precision but not in float32, in [0, 1].
 * @returns The warning. Undefined if the share is below 0.01.
 */
export function underflowWarning(precision: string, share: number): string | undefined {
  if (!(share >= REPORTED_UNDERFLOW)) return undefined;
  return `warning: ${
    (share * 100).toFixed(0)
  } % of the gradient's elements underflow to 0 in ${precision} at the first step. The share depends on the size of the batch. Scale the format, as in emulated:e4m3fn/tensor or ` +
    "linear=e4m3fn/tensor.";
}
