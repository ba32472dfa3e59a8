// @vitest-environment happy-dom
import { render, type ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { act } from 'preact/test-utils';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { batch, computed, effect, signal } from '../../src/signals';
import '../../src/ui/tracked';

describe('signals', () => {
  it('tell whoever has read them, and nobody else', () => {
    const [a, b] = [signal(1), signal(1)];
    const seen: number[] = [];
    const stop = effect(() => void seen.push(a.value + b.peek()));
    b.value = 5;
    a.value = 1;
    expect(seen).toEqual([2]);
    a.value = 2;
    expect(seen).toEqual([2, 7]);
    stop();
    a.value = 3;
    expect(seen).toEqual([2, 7]);
  });

  it('tell of changes that are made together once', () => {
    const [a, b] = [signal(1), signal(1)];
    const seen: number[] = [];
    effect(() => void seen.push(a.value + b.value));
    batch(() => {
      a.value = 2;
      batch(() => (b.value = 2));
      expect(seen).toEqual([2]);
    });
    expect(seen).toEqual([2, 4]);
  });

  it('tell of what was changed before something threw', () => {
    const a = signal(1);
    const seen: number[] = [];
    effect(() => void seen.push(a.value));
    const failing = () => {
      a.value = 2;
      throw new Error('no');
    };
    expect(() => batch(failing)).toThrow('no');
    a.value = 3;
    expect(seen).toEqual([1, 2, 3]);
  });

  it('are computed when they are read, and once', () => {
    const a = signal(1);
    let count = 0;
    const double = computed(() => (count++, a.value * 2));
    expect(count).toBe(0);
    expect([double.value, double.value, double.peek()]).toEqual([2, 2, 2]);
    expect(count).toBe(1);
    a.value = 2;
    a.value = 3;
    expect(count).toBe(1);
    expect(double.peek()).toBe(6);
    expect(count).toBe(2);
  });

  it('show no mixture of before and after', () => {
    const a = signal(1);
    const double = computed(() => a.value * 2);
    const triple = computed(() => a.value * 3);
    const seen: number[] = [];
    effect(() => void seen.push(double.value + triple.value + a.value));
    a.value = 2;
    expect(seen).toEqual([6, 12]);
  });

  it('tell only if something else came out', () => {
    const a = signal(1);
    const isBig = computed(() => a.value > 10);
    const seen: boolean[] = [];
    effect(() => void seen.push(isBig.value));
    a.value = 2;
    a.value = 11;
    a.value = 12;
    expect(seen).toEqual([false, true]);
  });

  it('forget who does not read them any more', () => {
    const [which, a, b] = [signal('a'), signal(1), signal(1)];
    const seen: number[] = [];
    effect(() => void seen.push(which.value === 'a' ? a.value : b.value));
    which.value = 'b';
    a.value = 2;
    expect(seen).toEqual([1, 1]);
    b.value = 3;
    expect(seen).toEqual([1, 1, 3]);
  });

  it('compute anew after a failure', () => {
    const a = signal(0);
    const inverse = computed(() => {
      if (!a.value) throw new Error('no');
      return 1 / a.value;
    });
    expect(() => inverse.value).toThrow('no');
    a.value = 2;
    expect(inverse.value).toBe(0.5);
  });

  it('give subscribers the value, now and later, and do not listen to what these read', () => {
    const [a, b] = [signal(1), signal(1)];
    const seen: number[] = [];
    const stop = a.subscribe((value) => void seen.push(value + b.value));
    b.value = 5;
    a.value = 2;
    expect(seen).toEqual([2, 7]);
    stop();
    a.value = 3;
    expect(seen).toEqual([2, 7]);
  });
});

describe('components that read signals', () => {
  let root: HTMLElement;
  let drawn: Record<string, number>;
  const count = (name: string) => (drawn[name] = (drawn[name] ?? 0) + 1);
  const name = signal('');
  const other = signal(0);
  let setParent: (value: number) => void = () => {};
  let setChild: (value: number) => void = () => {};

  beforeEach(() => {
    root = document.createElement('div');
    drawn = {};
    name.value = 'Ann';
    other.value = 0;
  });

  afterEach(() => act(() => render(null, root)));

  function Name({ greeting }: { greeting: string }) {
    count('name');
    return (
      <b>
        {greeting} {name.value}
      </b>
    );
  }

  function Plain() {
    count('plain');
    return null;
  }

  function Counter() {
    count('counter');
    const [value, set] = useState(0);
    setChild = set;
    return <i>{value}</i>;
  }

  function Around({ children }: { children?: ComponentChildren }) {
    count('around');
    return children as never;
  }

  function Parent() {
    count('parent');
    const [value, set] = useState(0);
    setParent = set;
    return (
      <Around>
        <Name greeting={value > 1 ? 'Bye' : 'Hi'} />
        <Plain />
        <Counter />
      </Around>
    );
  }

  const show = () => act(() => render(<Parent />, root));

  it('are drawn again when these change, and their parents are not', async () => {
    await show();
    expect(root.querySelector('b')?.textContent).toBe('Hi Ann');
    await act(() => void (name.value = 'Bea'));
    expect(root.querySelector('b')?.textContent).toBe('Hi Bea');
    await act(() => void (other.value = 1));
    expect(drawn).toEqual({ parent: 1, around: 1, name: 2, plain: 1, counter: 1 });
  });

  it('are drawn again with their parents only for other properties', async () => {
    await show();
    await act(() => setParent(1));
    // Who reads nothing and has no state may show what is no signal.
    expect(drawn).toEqual({ parent: 2, around: 2, name: 1, plain: 2, counter: 1 });
    await act(() => setParent(2));
    expect(root.querySelector('b')?.textContent).toBe('Bye Ann');
    expect(drawn.name).toBe(2);
  });

  it('are drawn again for their state, also while their parents are', async () => {
    await show();
    await act(() => {
      setParent(1);
      setChild(7);
      name.value = 'Cho';
    });
    expect(root.textContent).toBe('Hi Cho7');
    expect(drawn).toEqual({ parent: 2, around: 2, name: 2, plain: 2, counter: 2 });
  });

  it('are not told any more when they are gone', async () => {
    await show();
    await act(() => render(null, root));
    await act(() => void (name.value = 'Dan'));
    expect(drawn.name).toBe(1);
    // Nor does anybody else read for them.
    expect(name.value).toBe('Dan');
  });

  it('read nothing for each other', async () => {
    function Inner() {
      count('inner');
      return <b>{name.value}</b>;
    }
    function Outer() {
      count('outer');
      return <div>{other.value}<Inner /></div>;
    }
    await act(() => render(<Outer />, root));
    await act(() => void (name.value = 'Eun'));
    expect(drawn).toEqual({ outer: 1, inner: 2 });
    await act(() => void (other.value = 1));
    expect(drawn).toEqual({ outer: 2, inner: 2 });
    expect(root.textContent).toBe('1Eun');
  });
});
