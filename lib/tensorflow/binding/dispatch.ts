/**
 * Precision rules inside TF.js's engine, where PyTorch has its dispatcher:
 *
 * - The gradient of an op runs under the policy and layer under which the op ran.
 * - An op of TF.js that consists of several TensorFlow ops follows one rule as a whole.
 * - JavaScript numbers are marked, so that they do not widen tensors.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { type Attribute, AttributeType } from "../native/attribute.ts";
import { type BoundBackend, convertIn, dtypeIn } from "./_cast.ts";
import { replaceKernel } from "./_replace_kernel.ts";
import { DataType } from "../native/dtype.ts";
import type { WritingBackend } from "./op_backend.ts";
import { POLICIES, type Policy } from "./policy.ts";

/** Suffix that TF.js's ops add to the names of their scopes. */
const OP_SCOPE = "__op";

type Gradient = (dys: (tf.Tensor | null)[]) => Record<string, () => tf.Tensor>;

/** An op on TF.js's tape. */
interface TapeNode {
  readonly inputs: Readonly<Record<string, tf.Tensor | null>>;
  readonly outputs: readonly tf.Tensor[];
  gradient?: Gradient;
}

/** A scope of TF.js's engine. If the scope replaced the policy, it holds the outer region. */
interface Scope {
  readonly name: string;
  around?: Policy;
}

/** The parts of TF.js's engine that the precision rules use. */
interface Engine {
  readonly state: { activeTape: TapeNode[]; activeScope: Scope | null };
  addTapeNode(...args: unknown[]): void;
  startScope(name?: string | null): void;
  endScope(result?: unknown): void;
}

/**
 * Ops of TF.js that take float32 parameters, such as biases. PyTorch's kernels accept such parameters with 16-bit
 * inputs and do not widen the result.
 */
const WITH_PARAMETERS: ReadonlySet<string> = new Set([
  "basicLSTMCell",
  "batchNorm",
  "batchNorm2d",
  "batchNorm3d",
  "batchNorm4d",
  "dropout",
  "fusedConv2d",
  "fusedDepthwiseConv2d",
  "fusedMatMul",
]);

/**
 * Ops of TF.js whose equivalents PyTorch does not round. `bandPart` masks with float32 constants, and
 * `rotateWithOffset` fills with them. `outerProduct` multiplies elementwise, although TF.js computes it as a matrix
 * product.
 */
const EXACT_OPS: ReadonlySet<string> = new Set(["bandPart", "outerProduct", "rotateWithOffset"]);

/** Policy of ops that are not rounded. As under `float32`, but float32 constants do not widen a 16-bit tensor. */
export const EXACT: Policy = { ...POLICIES.float32, promotion: "lowest" };

/** TF.js's losses. PyTorch's lists for CPU and CUDA run their equivalents in float32. */
const FLOAT32_OPS: ReadonlySet<string> = new Set([
  "absoluteDifference",
  "computeWeightedLoss",
  "cosineDistance",
  "hingeLoss",
  "huberLoss",
  "logLoss",
  "meanSquaredError",
  "sigmoidCrossEntropy",
  "softmaxCrossEntropy",
]);

/** Installs the precision rules in TF.js's engine. Call this function after the backend is registered. */
export function installDispatch(bound: BoundBackend): void {
  const { regions } = bound.binding;
  const engine = tf.engine() as unknown as Engine;
  const isOurs = () => tf.getBackend() === "tensorflow";
  const { addTapeNode, startScope, endScope } = engine;
  engine.addTapeNode = function (...args) {
    addTapeNode.apply(this, args);
    if (isOurs()) keepRegion(engine.state.activeTape.at(-1)!, bound);
  };
  let depth = 0; // nesting depth of TF.js's ops
  engine.startScope = function (name) {
    startScope.call(this, name);
    if (!name?.endsWith(OP_SCOPE)) return;
    depth++;
    const policy = policyOfOp(regions.current.policy, name.slice(0, -OP_SCOPE.length));
    if (policy === undefined) return;
    engine.state.activeScope!.around = regions.current.policy;
    regions.enter({ policy });
  };
  engine.endScope = function (result) {
    const { name, around } = engine.state.activeScope!;
    if (name.endsWith(OP_SCOPE)) depth--;
    if (around !== undefined) regions.enter({ policy: around });
    endScope.call(this, result);
  };
  markNumbers(bound, () => depth);
}

/** Policies with another promotion rule, by the policy from which they are derived. */
const derived = new WeakMap<Policy, { lowest: Policy; float32: Policy }>();

/** Returns the policy of an op of TF.js that follows one rule as a whole. Undefined if the active policy applies. */
function policyOfOp(policy: Policy, op: string): Policy | undefined {
  if (policy.promotion === "float32") return undefined; // within an op that runs in float32 as a whole
  if (EXACT_OPS.has(op)) return EXACT;
  const raised = policy.lowType !== undefined && (FLOAT32_OPS.has(op) || policy.float32Ops.has(op));
  if (!raised && !WITH_PARAMETERS.has(op)) return undefined;
  return derivedPolicy(policy, raised ? "float32" : "lowest");
}

/** Returns a policy with another promotion rule. */
export function derivedPolicy(policy: Policy, promotion: "lowest" | "float32"): Policy {
  let both = derived.get(policy);
  if (both === undefined) {
    both = { lowest: { ...policy, promotion: "lowest" }, float32: { ...policy, promotion: "float32" } };
    derived.set(policy, both);
  }
  return both[promotion];
}

/**
 * Makes the gradient of an op run in the region in which the op ran. As in PyTorch, the gradient of a tensor has the
 * tensor's type.
 */
function keepRegion(node: TapeNode, bound: BoundBackend): void {
  const { gradient, outputs, inputs } = node;
  if (gradient === undefined) return;
  const { regions } = bound.binding, region = { ...regions.current, backward: true };
  // A user's own kernel may return data that is unknown to the backend.
  const floatingType = (tensor: tf.Tensor) =>
    tensor.dtype === "float32" && bound.backend.tensorMap.has(tensor.dataId)
      ? dtypeIn(bound, tensor)
      : undefined;
  const asType = (gradient: tf.Tensor, dtype: number | null | undefined) =>
    dtype == null || dtypeIn(bound, gradient) === dtype ? gradient : convertIn(bound, gradient, dtype);
  const outputTypes = outputs.map(floatingType);
  const inputTypes = Object.fromEntries(
    Object.entries(inputs).map(([name, input]) => [name, input && floatingType(input)]),
  );
  node.gradient = (dys) =>
    regions.within(region, () => {
      const parts = gradient(dys.map((dy, i) => dy && asType(dy, outputTypes[i])));
      return Object.fromEntries(
        Object.entries(parts).map(([name, part]) => [
          name,
          () => regions.within(region, () => asType(part(), inputTypes[name])),
        ]),
      );
    });
}

const TYPE: Attribute = { name: "T", type: AttributeType.TYPE, value: DataType.FLOAT };

/**
 * Marks tensors that stand for JavaScript numbers or integers: numbers that an op converts to tensors, and integers
 * that an op casts. If an op casts a 16-bit tensor to `float32`, the tensor keeps its type. A `tf.scalar` that is
 * created outside of ops is an ordinary tensor.
 */
function markNumbers({ binding, backend }: BoundBackend, depth: () => number): void {
  const weak = new WeakSet<object>();
  const { write } = backend as WritingBackend;
  (backend as WritingBackend).write = function (values, shape, dtype) {
    const data = write.call(this, values, shape, dtype);
    if (shape.length === 0 && depth() > 0) weak.add(data);
    return data;
  };
  replaceKernel("Cast", (call, run) => {
    const { x } = call.inputs as { x: tf.TensorInfo };
    if (depth() > 1 && x.dtype === call.attrs!["dtype"]) {
      return backend.executeSingleOutput("Identity", [TYPE], [x]); // a 16-bit tensor keeps its type
    }
    const result = run(call);
    if (depth() > 1 && x.dtype !== "float32") weak.add(result.dataId);
    return result;
  });
  // Some ops, such as `tf.where`, broadcast numbers and scalars through these kernels.
  for (const name of ["Reshape", "Tile"]) {
    replaceKernel(name, (call, run) => {
      const { x } = call.inputs as { x: tf.TensorInfo };
      const result = run(call);
      if (depth() > 1 && result.dataId !== x.dataId && (x.shape.length === 0 || weak.has(x.dataId))) {
        weak.add(result.dataId);
      }
      return result;
    });
  }
  const { getInputTensorIds } = backend;
  backend.getInputTensorIds = function (tensors) {
    const ids = getInputTensorIds.call(this, tensors);
    tensors.forEach(({ dataId }, i) => {
      if (dataId !== undefined && weak.has(dataId)) binding.markWeak(ids[i]!);
    });
    return ids;
  };
}
