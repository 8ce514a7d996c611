/**
 * A plan as an Indexed Job for Kubernetes: a pod a run.
 *
 * @module
 */
import { stringify } from "yaml";
import { EXIT } from "../error/user_error.ts";
import type { Plan } from "../sweep/plan.ts";

/** What the manifest says besides the plan. */
export interface KubernetesOptions {
  /** An image with Deno and losskit. */
  readonly image: string;
  /** Where losskit is in it. */
  readonly workingDir: string;
  /** The PersistentVolumeClaim that holds the plan's folder. */
  readonly claim: string;
  /** Where it is mounted: absolute. */
  readonly mount: string;
  /** The plan's folder in the container: absolute. */
  readonly dir: string;
  /** What `run` is told besides that folder: `--index` and its options. */
  readonly flags: readonly string[];
  /** Pods at once. Default: all. */
  readonly parallel?: number | undefined;
  /** Memory of a pod, such as `2Gi`, requested and limited. Default: not said. */
  readonly memory?: string | undefined;
  /** Failures of a run, other than final ones and interruptions, that are tried again. Default: 3. */
  readonly retries?: number | undefined;
  /** Seconds between a pod's SIGTERM and its end. Default: 120. */
  readonly grace?: number | undefined;
}

/** The longest name of a Job whose pods' names, `NAME-INDEX-xxxxx`, and labels still fit. */
const NAME_LENGTH = 50;

/**
 * The manifest for `kubectl apply`, YAML. Status 75 (stopped, with a checkpoint) and disruptions are not counted and the pod is
 * replaced; 4 (diverged) fails its run alone, 2 (bad input) the whole Job; others are tried again, counted for each run.
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
      // A run's next pod does not begin before the last one has ended.
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
            env: [{ name: "LOSSKIT_CACHE", value: `${mount}/.losskit-cache` }],
            resources: { requests: resources, ...(memory !== undefined && { limits: { memory } }) },
            volumeMounts: [{ name: "runs", mountPath: mount }],
          }],
          volumes: [{ name: "runs", persistentVolumeClaim: { claimName: claim } }],
        },
      },
    },
  };
  return `# ${runs.length} runs of plan.json; a pod's completion index is its run's.\n${
    stringify(job, { aliasDuplicateObjects: false })
  }`;
}

/** A sweep's name as one of a Job: lower case letters, digits and '-', with a letter first. */
function nameOf(name: string): string {
  const safe = name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-").replace(/^[^a-z]+/, "");
  return `losskit-${safe}`.slice(0, NAME_LENGTH).replace(/-+$/, "");
}
