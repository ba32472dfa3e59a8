import { Component, options, type VNode } from 'preact';
import { follow, listener, type Reader } from '../signals';

/**
 * Components read signals while they are drawn, and are drawn again when these have changed. One
 * that reads any, or has state, is not drawn again with its parent unless a property is another.
 */
interface Tracked extends Component {
  reader?: Reader;
  /** Preact's own: has state, and has looked whether that has changed before it asks here. */
  __f?: boolean;
}

type Drawn = VNode & { __c?: Tracked | null };
type Hook = (drawn: Drawn, ...more: unknown[]) => void;
/** Preact 10 calls its private hooks so in every release: libraries and its own parts use them. */
type Hooks = Record<'__b' | '__r' | '__e' | 'diffed' | 'unmount', Hook | undefined>;

function hook(name: keyof Hooks, run: (drawn: Drawn) => void): void {
  const hooks = options as unknown as Hooks;
  const next = hooks[name];
  hooks[name] = (drawn, ...more) => {
    run(drawn);
    next?.(drawn, ...more);
  };
}

// Before a component is called.
hook('__r', ({ __c: component }) => {
  if (!component) return;
  component.reader ??= listener(() => component.forceUpdate());
  component.reader.forget();
  follow(component.reader);
});
// It has returned: what it has returned is drawn, or is done, or it has thrown.
for (const name of ['__b', 'diffed', '__e'] as const) hook(name, () => void follow(undefined));
hook('unmount', ({ __c: component }) => component?.reader?.forget());

Component.prototype.shouldComponentUpdate = function (this: Tracked, next: object): boolean {
  if (!this.reader?.hasRead && !this.__f) return true;
  const props: Record<string, unknown> = this.props;
  return (
    Object.keys(props).some((name) => !(name in next)) ||
    Object.entries(next).some(([name, value]) => value !== props[name])
  );
};
