/**
 * Clusters: plans as jobs for Slurm and Kubernetes, and execution of single runs by index.
 *
 * @module
 */
export { kubernetesManifest, type KubernetesOptions } from "./kubernetes.ts";
export { indexOfCluster, plannedRunAt, runPlanned } from "./run_index.ts";
export { slurmLogs, type SlurmOptions, slurmScript } from "./slurm.ts";
