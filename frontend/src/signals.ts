/**
 * Values that know who has read them, and tell them of changes. What is computed from others is
 * computed when it is read, and who has read it is told only if something else comes out.
 * ui/tracked.ts makes readers of components.
 */
export interface ReadonlySignal<T> {
  /** Whoever reads it here is told of changes. */
  readonly value: T;
  /** Reads it without being told. */
  peek(): T;
  /** Calls `run` with the value, now and after each change; returns what ends that. */
  subscribe(run: (value: T) => void): () => void;
}

export interface Signal<T> extends ReadonlySignal<T> {
  value: T;
}

let current: Reader | undefined;

/** From now on this one reads, or nobody does; returns who did before. */
export function follow(reader: Reader | undefined): Reader | undefined {
  const before = current;
  current = reader;
  return before;
}

/** Something that reads signals. */
export class Reader {
  /** What it has read, in which version. */
  readonly #read = new Map<State<unknown>, number>();

  /** Args: `doubt`: is called when something that it has read may have changed. */
  constructor(readonly doubt: () => void) {}

  get hasRead(): boolean {
    return this.#read.size > 0;
  }

  /** Whether something has changed since it was read. */
  get isOutdated(): boolean {
    for (const [source, version] of this.#read) if (source.renew() !== version) return true;
    return false;
  }

  reads(source: State<unknown>): void {
    this.#read.set(source, source.renew());
    source.readers.add(this);
  }

  forget(): void {
    for (const { readers } of this.#read.keys()) readers.delete(this);
    this.#read.clear();
  }

  /** What `what` reads, this one reads; nothing else any more. */
  run<T>(what: () => T): T {
    this.forget();
    const outer = follow(this);
    try {
      return what();
    } finally {
      follow(outer);
    }
  }
}

/** Who may have to be told something, and how. */
const due = new Map<Reader, () => void>();
let batches = 0;

/** A reader that is told of changes, once for all that are made together. */
export function listener(told: () => void): Reader {
  const reader: Reader = new Reader(() => due.set(reader, told));
  return reader;
}

/** Do something now, and again whenever what it has read has changed; returns what ends that. */
export function effect(run: () => void): () => void {
  const reader = listener(() => reader.run(run));
  reader.run(run);
  return () => reader.forget();
}

/** Make changes together. */
export function batch(change: () => void): void {
  batches++;
  try {
    change();
  } finally {
    if (--batches === 0) {
      for (const [reader, tell] of due) {
        due.delete(reader);
        if (reader.isOutdated) tell();
      }
    }
  }
}

class State<T> implements Signal<T> {
  readonly readers = new Set<Reader>();
  #version = 0;
  #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  get value(): T {
    current?.reads(this);
    return this.peek();
  }

  set value(next: T) {
    if (this.become(next)) batch(() => this.doubt());
  }

  peek(): T {
    this.renew();
    return this.#value;
  }

  subscribe(run: (value: T) => void): () => void {
    return effect(() => {
      const { value } = this;
      const reader = follow(undefined);
      run(value);
      follow(reader);
    });
  }

  /** Bring it up to date; returns which version that is. */
  renew(): number {
    return this.#version;
  }

  doubt(): void {
    for (const reader of this.readers) reader.doubt();
  }

  protected become(next: T): boolean {
    if (next === this.#value) return false;
    this.#value = next;
    this.#version++;
    return true;
  }
}

class Computed<T> extends State<T | undefined> {
  #isOutdated = true;
  readonly #reader = new Reader(() => {
    if (this.#isOutdated) return;
    this.#isOutdated = true;
    this.doubt();
  });

  constructor(private readonly compute: () => T) {
    super(undefined);
  }

  override renew(): number {
    if (this.#isOutdated) {
      this.become(this.#reader.run(this.compute));
      this.#isOutdated = false;
    }
    return super.renew();
  }
}

export function signal<T>(value: T): Signal<T> {
  return new State(value);
}

/** What `compute` makes of other signals. */
export function computed<T>(compute: () => T): ReadonlySignal<T> {
  return new Computed(compute) as ReadonlySignal<T>;
}
