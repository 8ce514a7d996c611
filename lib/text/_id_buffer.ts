/**
 * A growable list of token ids. Reusing one buffer avoids allocating an array for each piece of a long text.
 *
 * @module
 */

/** A growable list of token ids in one typed array. */
export class IdBuffer {
  #ids: Int32Array<ArrayBuffer>;
  #length = 0;

  /**
   * Creates an empty list.
   *
   * @param capacity Number of ids that fit before the first reallocation.
   */
  constructor(capacity: number) {
    this.#ids = new Int32Array(capacity);
  }

  /** Appends one id. */
  push(id: number): void {
    if (this.#length === this.#ids.length) this.#grow(1);
    this.#ids[this.#length++] = id;
  }

  /** Appends several ids. */
  append(ids: Int32Array): void {
    if (this.#length + ids.length > this.#ids.length) this.#grow(ids.length);
    for (let i = 0; i < ids.length; i++) this.#ids[this.#length++] = ids[i]!;
  }

  /** Returns a view of the ids. The next change may overwrite the view. */
  view(): Int32Array<ArrayBuffer> {
    return this.#ids.subarray(0, this.#length);
  }

  /** Removes all ids, and keeps the capacity. */
  clear(): void {
    this.#length = 0;
  }

  /** Returns a copy of the ids. */
  take(): Int32Array<ArrayBuffer> {
    return this.#ids.slice(0, this.#length);
  }

  #grow(by: number): void {
    const larger = new Int32Array(this.#ids.length * 2 + by);
    larger.set(this.#ids);
    this.#ids = larger;
  }
}
