/**
 * `deno task test:container`: executes the instructions of the `Dockerfile` in an empty Debian root, without a container engine,
 * and then a tiny sweep in it without a network. Needs root, debootstrap, and a network.
 *
 * `COPY --from` takes this Deno. Certificates of this machine's `SSL_CERT_FILE` are used in the root too.
 */
import { assertEquals } from "@std/assert";
import { join } from "node:path";
import { command, runCommand, STATUS } from "../lib/cli/command.ts";
import { UserError } from "../lib/error/user_error.ts";
import { findProgram, installFromDebian } from "./support/debian.ts";
import { sampleText } from "./support/commands.ts";
import { instructionsOf, variablesOf } from "./support/dockerfile.ts";

const CHECKOUT = new URL("../", import.meta.url).pathname;

/** Variables of a new container. */
const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

const SPEC = {
  ...{ name: "tiny", data: "/tmp/text.txt", vocab: ["character"], policy: ["float32", "bf16-autocast"] },
  ...{ seeds: [1], seq: [8], tokensPerStep: 16, steps: 3, warmupSteps: 0, evalTokens: 64 },
  ...{ nLayer: 1, nHead: 1, nEmbd: 8 },
};

/** Runs a program, and shows what it prints. */
async function run(program: string, args: readonly string[], env?: Record<string, string>): Promise<void> {
  const variables = env === undefined ? {} : { env, clearEnv: true };
  const child = new Deno.Command(program, { args: [...args], stdin: "null", ...variables }).spawn();
  const { success, code } = await child.status;
  if (!success) {
    throw new UserError(
      `Cannot build the container: ${program} ${args.join(" ")} failed with status ${code}.`,
    );
  }
}

/** State of the build: what the next instruction is executed with. */
interface Stage {
  env: Record<string, string>;
  user: string;
  folder: string;
}

/**
 * Runs a shell command in the root, as the stage's user in its folder. `/proc` is mounted for this command only.
 *
 * @param spaces Further namespaces, as flags of `unshare`.
 */
async function inRoot(root: string, { env, user, folder }: Stage, line: string, spaces: string[] = []) {
  const ids = user === "0" ? [] : [`--userspec=${user}:${user}`];
  const mount = 'mount -t proc proc "$0/proc" && exec chroot "$@"';
  const shell = [...ids, root, "/bin/bash", "-o", "pipefail", "-c", `cd ${folder} && ${line}`];
  const variables = { HOME: user === "0" ? "/root" : "/home/losskit", ...env };
  await run("unshare", ["--mount", ...spaces, "sh", "-c", mount, root, ...shell], variables);
}

/** Executes the instructions after the last `FROM`. Returns the state at the end. */
async function build(root: string): Promise<Stage> {
  const all = instructionsOf(Deno.readTextFileSync(join(CHECKOUT, "Dockerfile")));
  const begin = all.findLastIndex(({ name }) => name === "FROM");
  assertEquals(all[begin]!.rest, "debian:13-slim");
  const stage: Stage = { env: { PATH, ...hostCertificates(root) }, user: "0", folder: "/" };
  for (const { name, rest } of all.slice(begin + 1)) {
    console.log(`${name} ${rest}`);
    if (name === "ENV") Object.assign(stage.env, variablesOf(rest, stage.env));
    else if (name === "USER") stage.user = rest;
    else if (name === "WORKDIR") stage.folder = rest;
    else if (name === "RUN") await inRoot(root, stage, rest);
    else if (name === "COPY") await copy(root, stage, rest);
    else if (name === "ENTRYPOINT") assertEquals(rest, '["losskit"]');
    else if (name !== "SHELL" && name !== "CMD") {
      throw new UserError(`Cannot build the container: expected a known instruction, got ${name}.`);
    }
  }
  return stage;
}

/** Executes `COPY`: this Deno for the one of another image, or the files that git knows. */
async function copy(root: string, { folder }: Stage, rest: string): Promise<void> {
  const from = /^--from=deno \/deno (\S+)$/.exec(rest);
  if (from !== null) return await Deno.copyFile(Deno.execPath(), join(root, from[1]!));
  assertEquals(rest, "--chown=losskit:losskit . .");
  const target = join(root, folder);
  const files =
    `git -C ${CHECKOUT} ls-files -z | tar -C ${CHECKOUT} --null -T - -c | tar -C ${target} -x --no-same-owner`;
  await run("bash", ["-o", "pipefail", "-c", files]);
  await run("chroot", [root, "chown", "-R", "losskit:losskit", folder]);
}

/** Copies this machine's certificates into the root, and returns the variables that name them. */
function hostCertificates(root: string): Record<string, string> {
  const path = Deno.env.get("SSL_CERT_FILE");
  if (path === undefined) return {};
  const copied = "/opt/host-certificates.pem";
  Deno.copyFileSync(path, join(root, copied));
  const names = ["SSL_CERT_FILE", "PIP_CERT", "DENO_CERT", "NODE_EXTRA_CA_CERTS"];
  return Object.fromEntries(names.map((name) => [name, copied]));
}

const program = command("test:container", "Execute the Dockerfile's instructions in an empty Debian root.", {
  ...STATUS.done,
  ...STATUS.badInput,
})
  .option("--root <folder>", "folder with a new Debian 13 root (default: debootstrap makes a temporary one)")
  .action(async ({ root: given }: { root?: string }) => {
    if (given === undefined && findProgram("debootstrap") === undefined) {
      await installFromDebian(["debootstrap"]);
      if (findProgram("debootstrap") === undefined) {
        throw new UserError(
          "Cannot build the container: debootstrap is not installed. Install it or pass --root.",
        );
      }
    }
    const root = given ?? await Deno.makeTempDir({ prefix: "losskit-container-" });
    try {
      Deno.chmodSync(root, 0o755); // for the user of the container
      if (given === undefined) await run("debootstrap", ["--variant=minbase", "trixie", root]);
      for (const name of ["resolv.conf", "hosts"]) Deno.copyFileSync(`/etc/${name}`, join(root, "etc", name));
      const stage = await build(root);
      Deno.writeTextFileSync(join(root, "tmp", "text.txt"), sampleText());
      Deno.writeTextFileSync(join(root, "tmp", "tiny.json"), JSON.stringify(SPEC));
      console.log("losskit sweep, without a network");
      await inRoot(root, stage, "id -u && ! getent hosts example.com", ["--net"]);
      await inRoot(root, stage, "losskit sweep /tmp/tiny.json --out /tmp/out --workers 1", ["--net"]);
    } finally {
      if (given === undefined) await Deno.remove(root, { recursive: true });
    }
  });

if (import.meta.main) await runCommand(program, Deno.args);
