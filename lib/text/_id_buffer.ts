/**
 * A list of token ids that grows, and can be emptied and filled again: a long text is encoded piece by piece without an
 * array for each piece, which would be garbage sooner than it is collected.
 *
 * @module
 */

/** Ids, appended one or many at a time. */
export class IdBuffer {
  #ids: Int32Array<ArrayBuffer>;
  #length = 0;

  /**
   * An empty list.
   *
   * @param capacity Room for so many before the first growth.
   */
  constructor(capacity: number) {
    this.#ids = new Int32Array(capacity);
  }

  /** Appends one. */
  push(id: number): void {
    if (this.#length === this.#ids.length) this.#grow(1);
    this.#ids[this.#length++] = id;
  }

  /** Appends many. */
  append(ids: Int32Array): void {
    if (this.#length + ids.length > this.#ids.length) this.#grow(ids.length);
    for (let i = 0; i < ids.length; i++) this.#ids[this.#length++] = ids[i]!;
  }

  /** The ids so far; the next change may overwrite them. */
  view(): Int32Array<ArrayBuffer> {
    return this.#ids.subarray(0, this.#length);
  }

  /** Forgets all ids, and keeps their room. */
  clear(): void {
    this.#length = 0;
  }

  /** The ids so far, in an array of their own. */
  take(): Int32Array<ArrayBuffer> {
    return this.#ids.slice(0, this.#length);
  }

  #grow(by: number): void {
    const larger = new Int32Array(this.#ids.length * 2 + by);
    larger.set(this.#ids);
    this.#ids = larger;
  }
}
