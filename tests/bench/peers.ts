/**
 * Python programs that run the benchmark in other libraries, with losskit's initial weights.
 *
 * @module
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cacheDir } from "../../lib/fetch/cache.ts";
import { pythonWith } from "../support/python.ts";
import type { BenchConfig, BenchResult } from "./train_steps.ts";

/** Library and mode to compare with. */
export interface Peer {
  name: string;
  script: string;
  mode: string;
  /** Python module that must be importable. */
  module: string;
}

const PEERS: readonly Peer[] = [
  { name: "torch", script: "torch_gpt.py", mode: "eager", module: "torch" },
  { name: "torch.compile", script: "torch_gpt.py", mode: "compile", module: "torch" },
  { name: "torch.compile.max-autotune", script: "torch_gpt.py", mode: "max-autotune", module: "torch" },
  { name: "jax", script: "jax_gpt.py", mode: "jit", module: "optax" },
];

/**
 * Maximum difference between a peer's loss and ours after the same steps, in nats, by precision. In bfloat16, both sides round
 * logits of about 1 with an error of 2^-8. In float32, sums differ in their order.
 */
export const LOSS_BOUNDS: Readonly<Record<string, number>> = { float32: 1e-4, "bf16-autocast": 4 * 2 ** -8 };

/** Returns the Python interpreter of the environment with the peers. Installs it on the first call (several GB from PyPI). */
export async function installPeers(): Promise<string> {
  console.error(`installing PyTorch and JAX in ${cacheDir()} (several GB)`);
  return await pythonWith("peers");
}

/** Returns the given Python interpreter, or the one of an earlier {@linkcode installPeers}. */
async function findPython(given: string | undefined): Promise<string | undefined> {
  if (given !== undefined) return given;
  const folder = join(cacheDir(), "test-peers");
  try {
    await Deno.stat(join(folder, "whole"));
    return join(folder, "bin", "python");
  } catch {
    return undefined;
  }
}

/** Available peers. */
export interface InstalledPeers {
  python: string;
  peers: readonly Peer[];
}

/** Returns the peers available in a Python environment. torch.compile also requires a C++ compiler. */
export async function findPeers(given: string | undefined): Promise<InstalledPeers | undefined> {
  const python = await findPython(given);
  if (python === undefined) return undefined;
  const has = async (program: string, args: string[]) => {
    try {
      return (await new Deno.Command(program, { args, stdin: "null", stdout: "null", stderr: "null" })
        .output())
        .success;
    } catch {
      return false;
    }
  };
  const compiler = await has("c++", ["--version"]);
  const peers: Peer[] = [];
  for (const peer of PEERS) {
    const look = `import importlib.util, sys; sys.exit(importlib.util.find_spec("${peer.module}") is None)`;
    if (await has(python, ["-I", "-c", look]) && (!peer.name.startsWith("torch.compile") || compiler)) {
      peers.push(peer);
    }
  }
  return { python, peers };
}

/**
 * Runs a peer in a separate process.
 *
 * @param run Python interpreter, config, and file with the initial weights.
 * @throws {Error} If the peer fails, with its messages.
 */
export async function runPeer(
  peer: Peer,
  run: { python: string; config: BenchConfig; weights: string },
): Promise<BenchResult> {
  const args = [
    fileURLToPath(import.meta.resolve(`./peers/${peer.script}`)),
    ...Object.entries({ ...run.config, mode: peer.mode, weights: run.weights })
      .flatMap(([name, value]) => [`--${name.replaceAll("_", "-")}`, String(value)]),
  ];
  // Cache compiled shapes, since only steps are timed. The folders are separate from the user's own caches.
  const cache = join(cacheDir(), "torch-compiled");
  const jaxCache = join(cacheDir(), "jax-compiled");
  const { success, stdout, stderr } = await new Deno.Command(run.python, {
    args,
    env: {
      TORCHINDUCTOR_CACHE_DIR: cache,
      JAX_COMPILATION_CACHE_DIR: jaxCache,
      JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS: "0",
    },
    stdin: "null",
  }).output();
  const text = new TextDecoder().decode(stdout).trimEnd();
  if (!success) {
    throw new Error(`Cannot measure ${peer.name}:\n${new TextDecoder().decode(stderr).slice(-2000)}`);
  }
  return JSON.parse(text.split("\n").at(-1)!);
}
