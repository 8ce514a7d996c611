/**
 * Clusters: plans as jobs for Slurm and Kubernetes, and execution of single runs by index.
 *
 * @module
 */
export { runAt, type RunAtOptions } from "./run_index.ts";
export {
  type JobOptions,
  type KubernetesJobOptions,
  type SlurmJobOptions,
  writeKubernetesJobs,
  writeSlurmJobs,
  type WrittenJobs,
} from "./write_jobs.ts";
export { DEFAULT_IMAGE, type KubernetesOptions } from "./kubernetes.ts";
export type { SlurmOptions } from "./slurm.ts";
