/**
 * A private Slurm on the loopback address: slurmctld, slurmd and munge, with their state in a temporary folder. Missing
 * programs are installed from Debian; this requires root and apt-get.
 *
 * @module
 */
import { join } from "node:path";
import { findProgram, installFromDebian } from "./debian.ts";
import { capture } from "./python.ts";

const PROGRAMS = ["slurmctld", "slurmd", "munged", "mungekey", "sbatch", "scontrol"];

/** Number of processors in Slurm's configuration, and thus of concurrent tasks. */
export const SLURM_CPUS = 2;

/** A Slurm that runs until disposal. */
export interface Slurm extends AsyncDisposable {
  /** Runs a Slurm command as {@linkcode capture} does. */
  command(program: string, args: string[]): Promise<string>;
  /** Returns the fields of a job or a task from `scontrol show job`. */
  job(id: string): Promise<Record<string, string>>;
  /** Returns the logs of the daemons, for failed tests. */
  logs(): string;
}

/** Installs Slurm if it is missing. Returns true, or the reason why Slurm is not available. */
export async function haveSlurm(): Promise<true | string> {
  const missing = () => PROGRAMS.filter((name) => findProgram(name) === undefined);
  if (missing().length > 0) await installFromDebian(["slurm-wlm", "munge"]);
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) return "its daemons need root on Linux";
  return missing().length === 0 ||
    `not on this machine, and not installed by apt-get: ${missing().join(", ")}`;
}

/**
 * Starts Slurm with the partitions `low` (default) and `high`. Jobs of `high` preempt jobs of `low`: these get SIGTERM, have
 * one minute to stop, and are requeued.
 */
export async function startSlurm(): Promise<Slurm> {
  const dir = Deno.makeTempDirSync({ prefix: "slurm-" });
  Deno.chmodSync(dir, 0o755);
  const at = (name: string) => join(dir, name);
  const [controllerPort, nodePort] = [freePort(), freePort()];
  Deno.writeTextFileSync(at("slurm.conf"), configuration(dir, { controllerPort, nodePort }));
  const env = { SLURM_CONF: at("slurm.conf") };
  const command = (program: string, args: string[]) => capture(findProgram(program)!, args, env);
  await command("mungekey", ["--create", `--keyfile=${at("munge.key")}`]);
  const daemons: Deno.ChildProcess[] = [];
  const start = (program: string, args: string[]) => {
    const log = Deno.openSync(at(`${program}.out`), { create: true, append: true });
    log.close();
    daemons.push(
      new Deno.Command("/bin/sh", {
        args: [
          "-c",
          'out=$1; shift; exec "$@" >>"$out" 2>&1',
          "sh",
          at(`${program}.out`),
          findProgram(program)!,
          ...args,
        ],
        env,
        stdin: "null",
        stdout: "null",
        stderr: "null",
      }).spawn(),
    );
  };
  start("munged", [
    ...["--foreground", "--force", `--key-file=${at("munge.key")}`, `--socket=${at("munge.socket")}`],
    ...[
      `--pid-file=${at("munged.pid")}`,
      `--log-file=${at("munged.log")}`,
      `--seed-file=${at("munged.seed")}`,
    ],
  ]);
  start("slurmctld", ["-D", "-c"]);
  start("slurmd", ["-D", "-N", Deno.hostname().split(".")[0]!]);
  const logs = () =>
    [...Deno.readDirSync(dir)].filter(({ name }) => /\.(out|log)$/.test(name))
      .map(({ name }) => `== ${name}\n${Deno.readTextFileSync(at(name)).slice(-4000)}`).join("\n");
  const hasJobs = () => command("squeue", ["--noheader"]).then((text) => text.trim() !== "", () => false);
  const slurm: Slurm = {
    command,
    async job(id) {
      const text = await command("scontrol", ["--oneliner", "show", "job", id]);
      return Object.fromEntries(
        text.trim().split(/\s+/).map((field) => {
          const [name = "", ...value] = field.split("=");
          return [name, value.join("=")];
        }),
      );
    },
    logs,
    async [Symbol.asyncDispose]() {
      // Jobs of a failed test would outlive the daemons.
      for (let tries = 0; tries < 40 && await hasJobs(); tries++) {
        await command("scancel", ["--full", "--user=root"]).catch(() => {});
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
      for (const daemon of daemons.toReversed()) {
        daemon.kill("SIGTERM");
        const late = setTimeout(() => daemon.kill("SIGKILL"), 10_000);
        await daemon.status;
        clearTimeout(late);
      }
      Deno.removeSync(dir, { recursive: true });
    },
  };
  for (let tries = 0;; tries++) {
    try {
      if ((await command("sinfo", ["--noheader", "--format=%T"])).split(/\s+/).includes("idle")) return slurm;
    } catch {
      // The controller does not respond yet.
    }
    if (tries > 120) {
      const told = logs();
      await slurm[Symbol.asyncDispose]();
      throw new Error(`Slurm does not start:\n${told}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

function configuration(dir: string, ports: { controllerPort: number; nodePort: number }): string {
  const host = Deno.hostname().split(".")[0]!;
  return `ClusterName=losskit
SlurmctldHost=${host}(127.0.0.1)
SlurmctldPort=${ports.controllerPort}
SlurmdPort=${ports.nodePort}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
# A job is queued again once the credential of its last start has expired, by default after two minutes.
AuthInfo=socket=${join(dir, "munge.socket")},cred_expire=5
StateSaveLocation=${join(dir, "state")}
SlurmdSpoolDir=${join(dir, "spool")}
SlurmctldPidFile=${join(dir, "slurmctld.pid")}
SlurmdPidFile=${join(dir, "slurmd.pid")}
SlurmctldLogFile=${join(dir, "slurmctld.log")}
SlurmdLogFile=${join(dir, "slurmd.log")}
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
SchedulerParameters=batch_sched_delay=0,sched_interval=2,bf_interval=2
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
KillWait=30
NodeName=${host} NodeAddr=127.0.0.1 CPUs=${SLURM_CPUS} State=UNKNOWN
PartitionName=low Nodes=${host} Default=YES PriorityTier=1 GraceTime=60 MaxTime=INFINITE State=UP
PartitionName=high Nodes=${host} PriorityTier=10 MaxTime=INFINITE State=UP
`;
}

function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}
