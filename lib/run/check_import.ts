/**
 * Program that imports modules of users, to check them in a process of their own before other processes import them.
 *
 * @module
 */
import { deliver } from "./_isolated.ts";
import { importModules, type ModuleOfField } from "./own_code.ts";

if (import.meta.main) await deliver((modules: readonly ModuleOfField[]) => importModules(modules));
