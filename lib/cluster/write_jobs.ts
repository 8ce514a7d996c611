/**
 * Writes job files that execute a plan on a cluster: `slurm.sh` or `kubernetes.yaml` in the plan's folder.
 *
 * @module
 */
import { basename, join, resolve } from "node:path";
import { UserError } from "../error/user_error.ts";
import { isTemporary, lastingDeno } from "../fetch/lasting_deno.ts";
import { makeFolder } from "../file/make_folder.ts";
import { writeFile } from "../file/write_file.ts";
import { configArguments, lockArguments, packageFolder } from "../file/package.ts";
import { sweepFolder } from "../sweep/default_folder.ts";
import { parseSweepSpec } from "../sweep/parse_spec.ts";
import { makePlan } from "../sweep/plan.ts";
import { modulesOf } from "../run/own_code.ts";
import { withInputs } from "../sweep/spec_inputs.ts";
import { placePlan, type Plan, planPath, readPlan } from "../sweep/plan_file.ts";
import { kubernetesManifest, type KubernetesOptions } from "./kubernetes.ts";
import { slurmLogs, type SlurmOptions, slurmScript } from "./slurm.ts";

/** Options of jobs on every kind of cluster. */
export interface JobOptions {
  /** Only for a spec: folder for the plan and the runs. Default: the same as in `sweep`. */
  readonly dir?: string | undefined;
  /** Only for a spec: number of threads per run, and number of cores per job. Default: 1. */
  readonly threads?: number | undefined;
  /** Only for a spec: name of the spec in errors. Default: `the given object`. */
  readonly source?: string | undefined;
  /** True to resume runs that were started on a different kind of node. Default: false; such runs start over. */
  readonly allowEnvironmentChange?: boolean | undefined;
}

/** Options of {@linkcode writeSlurmJobs}. */
export interface SlurmJobOptions
  extends JobOptions, Omit<SlurmOptions, "deno" | "command" | "workingDir" | "dir" | "flags"> {}

/** Options of {@linkcode writeKubernetesJobs}. */
export interface KubernetesJobOptions extends JobOptions, Omit<KubernetesOptions, "dir" | "flags"> {
  /** Absolute path of the plan's folder in the container. Default: the folder's name under `mount`. */
  readonly folder?: string | undefined;
}

/** Result of {@linkcode writeSlurmJobs} and {@linkcode writeKubernetesJobs}. */
export interface WrittenJobs {
  /** Path of the written script or manifest. */
  readonly path: string;
  /** Plan whose runs the jobs execute. */
  readonly plan: Plan;
  /** Absolute path of the plan's folder on this machine. */
  readonly dir: string;
  /** Absolute path of the plan's folder as the jobs see it. */
  readonly folder: string;
}

/**
 * Writes a job array script for `sbatch`, with one task per run of a plan.
 *
 * @param planOrSpec Folder with a `plan.json`, or the spec of a sweep.
 * @throws {UserError} If the folder has no planned runs, the spec is invalid, or sbatch cannot represent an option.
 */
export async function writeSlurmJobs(
  planOrSpec: string | object,
  options: SlurmJobOptions = {},
): Promise<WrittenJobs> {
  const root = packageFolder("write jobs for Slurm");
  if (isTemporary(root)) {
    throw new UserError(
      `Cannot write jobs for Slurm: expected an installed losskit, got npx's cache ${root}. ` +
        "Install losskit in a folder that all nodes share: npm install @losskit/losskit.",
    );
  }
  const { dir, plan } = await planOf(planOrSpec, options);
  const path = join(dir, "slurm.sh");
  const script = slurmScript(plan, {
    ...options,
    deno: lastingDeno(),
    command: [
      ...["run", "-A", "--no-check", ...configArguments(root), ...lockArguments(root)],
      join(root, "lib", "cli", "run.ts"),
    ],
    workingDir: root,
    dir,
    flags: flagsOf(options, plan),
  });
  makeFolder(slurmLogs(dir)); // Slurm does not create the folder of its logs
  writeFile(path, script);
  return { path, plan, dir, folder: dir };
}

/**
 * Writes the manifest of an Indexed Job for `kubectl apply`, with one pod per run of a plan.
 *
 * @param planOrSpec Folder with a `plan.json`, or the spec of a sweep.
 * @throws {UserError} If the folder has no planned runs, or the spec is invalid.
 */
export async function writeKubernetesJobs(
  planOrSpec: string | object,
  options: KubernetesJobOptions,
): Promise<WrittenJobs> {
  const { dir, plan } = await planOf(planOrSpec, options);
  const { folder = `${options.mount.replace(/\/+$/, "")}/${basename(dir)}` } = options;
  const path = join(dir, "kubernetes.yaml");
  writeFile(path, kubernetesManifest(plan, { ...options, flags: flagsOf(options, plan), dir: folder }));
  return { path, plan, dir, folder };
}

/** Returns the flags of each job's `run` command. */
function flagsOf({ allowEnvironmentChange }: JobOptions, { runs }: Plan): string[] {
  const hasCode = runs.some(({ spec }) => modulesOf(spec).length > 0);
  return [
    "--index",
    ...(allowEnvironmentChange ? ["--allow-environment-change"] : []),
    ...(hasCode ? ["--run-recorded-code"] : []), // nodes may have another cache
  ];
}

/** Returns the plan of a folder. For a spec, creates the plan and writes it to its folder. */
async function planOf(
  planOrSpec: string | object,
  { dir: given, threads = 1, source = "the given object" }: JobOptions,
): Promise<{ dir: string; plan: Plan }> {
  if (typeof planOrSpec === "string") {
    const plan = readPlan(planOrSpec);
    const dir = resolve(planOrSpec);
    if (given !== undefined && resolve(given) !== dir) {
      throw new UserError(
        `Cannot write jobs in ${given}: expected the folder of the plan, ${planOrSpec}, got another one. Omit --out.`,
      );
    }
    if (plan !== undefined && plan.runs.length > 0) return { dir, plan };
    throw new UserError(
      `Cannot write jobs: expected planned runs in ${planPath(planOrSpec)}, got none. ` +
        "Plan a sweep with its spec.",
    );
  }
  const spec = parseSweepSpec(await withInputs(planOrSpec, { source }), source);
  const dir = resolve(given ?? sweepFolder(spec));
  const plan = await makePlan(spec, readPlan(dir)?.threads ?? threads);
  await placePlan(dir, plan);
  return { dir, plan };
}
