/**
 * Kubernetes: a plan as an Indexed Job with one pod per run.
 *
 * @module
 */
import { stringify } from "yaml";
import { EXIT } from "../error/user_error.ts";
import type { Plan } from "../sweep/plan_file.ts";

/** Options of {@linkcode kubernetesManifest}. */
export interface KubernetesOptions {
  /** Name of the container image with Deno and losskit. */
  readonly image: string;
  /** Folder of losskit in the image. */
  readonly workingDir: string;
  /** Name of the PersistentVolumeClaim that contains the plan's folder. */
  readonly claim: string;
  /** Absolute path at which the claim is mounted in the container. */
  readonly mount: string;
  /** Absolute path of the plan's folder in the container. */
  readonly dir: string;
  /** Further arguments of the command `run`: `--index` and options of `run`. */
  readonly flags: readonly string[];
  /** Maximum number of concurrent pods. Default: the number of runs. */
  readonly parallel?: number | undefined;
  /** Memory request and limit of a pod, such as `2Gi`. Default: none. */
  readonly memory?: string | undefined;
  /**
   * Number of retries of a failed run. Interruptions do not count, and final failures (exit status 2 or 4) are not
   * retried. Default: 3.
   */
  readonly retries?: number | undefined;
  /** Seconds between a pod's SIGTERM and its SIGKILL. Default: 120. */
  readonly grace?: number | undefined;
}

/** Image that the repository's `Dockerfile` builds. It contains libtensorflow. */
export const DEFAULT_IMAGE = "losskit";

/** Maximum length of a Job's name that fits into labels and pod names, `NAME-INDEX-xxxxx`. */
const NAME_LENGTH = 50;

/**
 * Returns the YAML manifest for `kubectl apply`. Exit status 75 (interrupted, with a checkpoint) and disruptions
 * replace the pod, and do not count as failures. Exit status 4 (diverged) fails the run. Exit status 2 (bad input)
 * fails the Job. Other failures are retried, and counted per run.
 */
export function kubernetesManifest({ name, threads, runs }: Plan, options: KubernetesOptions): string {
  const { image, workingDir, claim, mount, dir, memory, retries = 3, grace = 120 } = options;
  const jobName = nameOf(name);
  const labels = { "app.kubernetes.io/name": "losskit", "app.kubernetes.io/instance": jobName };
  const onExit = (action: string, values: number[]) => ({
    action,
    onExitCodes: { containerName: "run", operator: "In", values },
  });
  const resources = { cpu: String(threads), ...(memory !== undefined && { memory }) };
  const job = {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: jobName, labels },
    spec: {
      completionMode: "Indexed",
      completions: runs.length,
      parallelism: options.parallel ?? runs.length,
      backoffLimitPerIndex: retries,
      // A replacement pod starts only after the previous pod has ended.
      podReplacementPolicy: "Failed",
      podFailurePolicy: {
        rules: [
          onExit("FailJob", [EXIT.badInput]),
          onExit("FailIndex", [EXIT.diverged]),
          onExit("Ignore", [EXIT.interrupted]),
          { action: "Ignore", onPodConditions: [{ type: "DisruptionTarget", status: "True" }] },
        ],
      },
      template: {
        metadata: { labels },
        spec: {
          restartPolicy: "Never", // as pod failure policies require
          terminationGracePeriodSeconds: grace,
          containers: [{
            name: "run",
            image,
            workingDir,
            command: ["deno", "run", "-A", "--no-check", "lib/cli/run.ts", dir, ...options.flags],
            // Other images may lack libtensorflow: the first pod downloads it into the volume.
            env: image === DEFAULT_IMAGE ? [] : [{ name: "LOSSKIT_CACHE", value: `${mount}/.losskit-cache` }],
            resources: { requests: resources, ...(memory !== undefined && { limits: { memory } }) },
            volumeMounts: [{ name: "runs", mountPath: mount }],
          }],
          volumes: [{ name: "runs", persistentVolumeClaim: { claimName: claim } }],
        },
      },
    },
  };
  return `# ${runs.length} runs of plan.json; the completion index of a pod is the index of its run.\n${
    stringify(job, { aliasDuplicateObjects: false })
  }`;
}

/** Returns a sweep's name as a Job name: lowercase letters, digits and '-', starting with a letter. */
function nameOf(name: string): string {
  const safe = name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-").replace(/^[^a-z]+/, "");
  return `losskit-${safe}`.slice(0, NAME_LENGTH).replace(/-+$/, "");
}
