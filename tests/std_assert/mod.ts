/**
 * The part of `@std/assert` 1.x that losskit's tests use, for machines without access to JSR. It follows the documentation of
 * the package, except that differences have no colors and another order of lines. `import_map.json` may name the
 * original package instead.
 *
 * @module
 */
export { AssertionError } from "./assertion_error.ts";
export { equal } from "./equal.ts";
export { assertIsError, assertRejects, assertThrows } from "./errors.ts";
export { assertObjectMatch } from "./object_match.ts";
export {
  type ArrayLikeArg,
  assert,
  assertAlmostEquals,
  assertArrayIncludes,
  assertEquals,
  assertExists,
  assertFalse,
  assertGreater,
  assertGreaterOrEqual,
  assertInstanceOf,
  assertLess,
  assertLessOrEqual,
  assertMatch,
  assertNotEquals,
  assertNotMatch,
  assertNotStrictEquals,
  assertStrictEquals,
  assertStringIncludes,
  fail,
  type Falsy,
  unreachable,
} from "./values.ts";
