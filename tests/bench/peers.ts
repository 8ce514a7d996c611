/**
 * The libraries that losskit's speed is held against, as Python programs that are given losskit's weights.
 *
 * @module
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cacheDir } from "../../lib/fetch/cache.ts";
import { pythonWith } from "../support/python.ts";
import type { BenchConfig, BenchResult } from "./train_steps.ts";

/** A way of running a library. */
export interface Peer {
  name: string;
  script: string;
  mode: string;
  /** What must be importable. */
  module: string;
}

const PEERS: readonly Peer[] = [
  { name: "torch", script: "torch_gpt.py", mode: "eager", module: "torch" },
  { name: "torch.compile", script: "torch_gpt.py", mode: "compile", module: "torch" },
  { name: "jax", script: "jax_gpt.py", mode: "jit", module: "optax" },
];

/** Makes an environment with the peers (several GB from PyPI), or finds it; the Python of it. */
export async function installPeers(): Promise<string> {
  console.error(`installing PyTorch and JAX into ${cacheDir()}, several GB`);
  return await pythonWith("peers");
}

/** The Python that peers run on: the one given, or that of {@linkcode installPeers} where it was called before. */
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

/** Peers that can run here. */
export interface InstalledPeers {
  python: string;
  peers: readonly Peer[];
}

/** The peers that a Python has. torch.compile needs a C++ compiler, and is left out where there is none. */
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
    if (await has(python, ["-I", "-c", look]) && (peer.mode !== "compile" || compiler)) peers.push(peer);
  }
  return { python, peers };
}

/**
 * Runs a peer in a process of its own.
 *
 * @param peer Which.
 * @param run The Python, the shape, and the file with the initial weights.
 * @throws {Error} with its messages when it fails.
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
  // Compiled once a shape: what is timed is the step. Without a cache of its own, another run's would be found.
  const cache = join(cacheDir(), "torch-compiled");
  const { success, stdout, stderr } = await new Deno.Command(run.python, {
    args,
    env: { TORCHINDUCTOR_CACHE_DIR: cache },
    stdin: "null",
  }).output();
  const text = new TextDecoder().decode(stdout).trimEnd();
  if (!success) {
    throw new Error(`Cannot measure ${peer.name}:\n${new TextDecoder().decode(stderr).slice(-2000)}`);
  }
  return JSON.parse(text.split("\n").at(-1)!);
}
