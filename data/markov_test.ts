import { assert, assertEquals, assertThrows } from "@std/assert";
import { UserError } from "../lib/error/user_error.ts";
import { corpusText } from "../lib/text/mod.ts";
import { isMarkovName, loadMarkov } from "./markov.ts";

Deno.test("loadMarkov() makes a text of its parameters, named with all of them", () => {
  const { corpus, source } = loadMarkov("markov:length=5000,symbols=4");
  assertEquals(corpus.name, "markov:symbols=4,order=1,peak=3,length=5000,seed=1");
  assertEquals([corpus.bytes, new Set(corpusText(corpus))], [5000, new Set("abcd")]);
  assertEquals(corpusText(corpus), source.generate(5000));
  const again = loadMarkov(corpus.name).corpus;
  assertEquals([again.name, again.sha256], [corpus.name, corpus.sha256]);
  assert(loadMarkov("markov:length=5000,symbols=4,seed=2").corpus.sha256 !== corpus.sha256);
});

Deno.test("isMarkovName() knows its names", () => {
  assertEquals(
    ["markov", "markov:", "markov:order=2", "markov.txt", "Markov", "./markov"].map(isMarkovName),
    [
      ...[true, true, true, false, false, false],
    ],
  );
});

Deno.test("loadMarkov() says what is wrong with a name", () => {
  const cases: [string, string][] = [
    [
      "markov:states=3",
      'wanted markov, or markov: and some of symbols=16,order=1,peak=3,length=1000000,seed=1: it has "states"',
    ],
    ["markov:symbols", 'symbols must be a whole number: it is "symbols"'],
    ["markov:symbols=", 'symbols must be a whole number: it is ""'],
    ["markov:symbols=1e3", 'it is "1e3"'],
    ["markov:symbols=-2", 'it is "-2"'],
    ["markov:symbols=2=3", 'it is "2=3"'],
    ["markov:symbols=2,symbols=2", "it has symbols twice"],
    ["markov:symbols=99", "symbols must be an integer from 2 to 64: it is 99"],
    ["markov:length=10", "length must be from 100 to 134,217,728 characters: it is 10"],
    ["markov:length=99999999999", "length must be"],
    ["markov:constructor=1", 'it has "constructor"'],
    [`markov:seed=${2 ** 53}`, "seed must be a whole number"],
  ];
  for (const [name, message] of cases) assertThrows(() => loadMarkov(name), UserError, message);
});
