/**
 * Recipes for low-precision training: formats of the operands of linear layers, on top of `bf16-autocast`. Plain data.
 *
 * A recipe quantizes the operands of the linear layers of blocks, and of linear layers outside of a model. Embeddings,
 * norms, attention, the head and the results of all products stay as under `bf16-autocast`.
 *
 * @module
 */
import { OPERANDS, type Slot } from "./operands.ts";

/** A recipe's formats for the operands of linear layers. */
export interface LinearRecipe {
  /** Formats with their scaling, by operand: `e4m3fn/tensor`. */
  readonly slots: Readonly<Partial<Record<Slot, string>>>;
  /**
   * Rotation of both operands of wgrad (dW = xᵀ dy) by a Hadamard matrix. It runs along the tokens in groups of one
   * block: 16 for NVFP4, 32 for MX. `random`: with random signs, drawn at every step. `fixed`: without random signs.
   * Default: no rotation.
   */
  readonly hadamard?: "random" | "fixed";
  /** True if the first and the last block of the model stay in bfloat16. Default: false. */
  readonly plainEnds?: boolean;
}

/** Names of the recipes. */
export type RecipeName = "fp8-hybrid" | "mxfp8" | "mxfp6" | "mxfp4" | "nvfp4";

/** Options of recipes, in the order in which a policy's name lists them. */
const OPTIONS = ["delayed", "ceil", "stochastic", "hadamard", "hadamard-fixed", "bf16-ends"] as const;
type Option = typeof OPTIONS[number];

const BLOCK_OPTIONS = ["stochastic", "hadamard", "hadamard-fixed", "bf16-ends"] as const;

interface Recipe {
  readonly source: string;
  /** Formats of x and w (`forward`) and of dy (`backward`), and their scaling. */
  readonly formats: { readonly forward: string; readonly backward: string; readonly scaling: string };
  readonly options: readonly Option[];
}

const OCP = "OCP Microscaling Formats (MX) v1.0, blocks of 32 with E8M0 scales, exponent floor(log2 amax)";

const RECIPES: Readonly<Record<RecipeName, Recipe>> = {
  "fp8-hybrid": {
    source:
      "Micikevicius 2022 FP8 Formats for Deep Learning (arXiv 2209.05433), as Transformer Engine's HYBRID recipe: " +
      "E4M3 in the forward pass, E5M2 for gradients, one scale per tensor",
    formats: { forward: "e4m3fn", backward: "e5m2-saturating", scaling: "tensor" },
    options: ["delayed", "stochastic", "bf16-ends"],
  },
  mxfp8: {
    source:
      `${OCP}; E4M3 for all operands (Mishra 2025 Recipes for Pre-training LLMs with MXFP8, arXiv 2506.08027, which ` +
      "rounds the exponent up: +ceil)",
    formats: { forward: "e4m3fn", backward: "e4m3fn", scaling: "mx" },
    options: ["ceil", ...BLOCK_OPTIONS],
  },
  mxfp6: {
    source:
      `${OCP}; E3M2 for all operands (Rouhani 2023 Microscaling Data Formats for Deep Learning, arXiv 2310.10537)`,
    formats: { forward: "e3m2fn", backward: "e3m2fn", scaling: "mx" },
    options: ["ceil", ...BLOCK_OPTIONS],
  },
  mxfp4: {
    source:
      `${OCP}; E2M1 for all operands (stochastic rounding and random Hadamard rotation as in Tseng 2025 Training LLMs ` +
      "with MXFP4, arXiv 2502.20586)",
    formats: { forward: "e2m1fn", backward: "e2m1fn", scaling: "mx" },
    options: ["ceil", ...BLOCK_OPTIONS],
  },
  nvfp4: {
    source:
      "NVIDIA 2025 Pretraining Large Language Models with NVFP4 (arXiv 2509.25149): E2M1 in blocks of 16 with E4M3 " +
      "scales and a float32 scale per tensor; its recipe is +stochastic+hadamard+bf16-ends, with 16 x 16 blocks of " +
      "weights, which are 1 x 16 here",
    formats: { forward: "e2m1fn", backward: "e2m1fn", scaling: "nvfp4" },
    options: BLOCK_OPTIONS,
  },
};

/** Syntax of recipe names, for help texts and error messages. Options are in brackets. */
export const RECIPE_NAMES: string = Object.entries(RECIPES).map(([name, { options }]) =>
  `${name}${options.map((option) => `[+${option}]`).join("")}`
).join(", ");

/** A recipe, with its source. */
export interface DescribedRecipe {
  /** The behavior that the recipe reproduces, with a citation. */
  readonly source: string;
  /** Formats of the operands of linear layers. */
  readonly linear: LinearRecipe;
}

const described = new Map<string, DescribedRecipe>();

/**
 * Parses the name of a recipe with its options, such as `nvfp4+stochastic+hadamard`.
 *
 * @returns The recipe. Undefined if the part before the first `+` is not the name of a recipe.
 * @throws {RangeError} If an option is unknown, the options are in another order than `RECIPE_NAMES` lists, or both
 * `hadamard` and `hadamard-fixed` are given.
 */
export function parseRecipe(name: string): DescribedRecipe | undefined {
  const known = described.get(name);
  if (known !== undefined) return known;
  const [base = "", ...options] = name.split("+");
  if (!Object.hasOwn(RECIPES, base)) return undefined;
  const recipe = RECIPES[base as RecipeName];
  const refuse = (wanted: string) =>
    new RangeError(`Cannot use the precision policy ${JSON.stringify(name)}: expected ${wanted}.`);
  const unknown = options.find((option) => !recipe.options.some((one) => one === option));
  if (unknown !== undefined) {
    throw refuse(
      `${base} with options of ${recipe.options.map((one) => `+${one}`).join(", ")}, got +${unknown}`,
    );
  }
  const own = [base, ...OPTIONS.filter((option) => options.includes(option))].join("+");
  if (own !== name) throw refuse(`its name, ${own}`); // one recipe under two names would give two runs
  if (options.includes("hadamard") && options.includes("hadamard-fixed")) {
    throw refuse("one of +hadamard and +hadamard-fixed, got both");
  }
  const result = { source: recipe.source, linear: linearOf(recipe, options) };
  described.set(name, result);
  return result;
}

function linearOf(
  { formats: { forward, backward, scaling } }: Recipe,
  options: readonly string[],
): LinearRecipe {
  const has = (option: Option) => options.includes(option);
  const scale = has("delayed") ? "delayed" : has("ceil") ? `${scaling}-ceil` : scaling;
  const gradient = has("stochastic") ? `${backward}-stochastic` : backward;
  const slots = OPERANDS.map((slot) => [slot, `${slot.endsWith(".dy") ? gradient : forward}/${scale}`]);
  return {
    slots: Object.fromEntries(slots),
    ...(has("hadamard") && { hadamard: "random" }),
    ...(has("hadamard-fixed") && { hadamard: "fixed" }),
    ...(has("bf16-ends") && { plainEnds: true }),
  };
}
