/* What came from the kernel, kept while there is room; and how long an answer may take before it is asked for again. */

export const LOST_AFTER_MS = 5000;

/** A map that keeps what was used last. */
export class Recent extends Map {
  constructor(room) {
    super();
    this.room = room;
  }

  /** Return what is under `key`, which counts as used now. */
  use(key) {
    const value = this.get(key);
    if (value !== undefined) this.put(key, value);
    return value;
  }

  /** Keep `value` as what was used last; what was not used for longest goes. */
  put(key, value) {
    this.delete(key);
    this.set(key, value);
    for (const old of this.keys()) {
      if (this.size <= this.room) break;
      this.delete(old);
    }
  }
}
