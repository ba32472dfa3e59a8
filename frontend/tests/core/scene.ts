import { Session, type Topic } from '../../src/core/session';
import type { AnyCommand } from '../../src/protocol';
import { fakeWorld, FakeBrowser, type FakeStore } from './fakes';
import { FakeServer } from './server';

/** A fake server, and the tabs of people who use it. */
export class Scene {
  readonly world = fakeWorld();
  readonly server = new FakeServer(this.world.clock, this.world.random);
  /** What was said to have changed, in all tabs. */
  readonly topics: Topic[] = [];
  #browsers = new Map<string, FakeBrowser>();
  #tabs = new Map<Session, ReturnType<FakeBrowser['openTab']>>();

  constructor() {
    for (const person of ['ann', 'bob', 'cho']) this.server.addUser(person);
  }

  /** A tab of somebody, connected; all of a person's tabs are of one browser. */
  async open(userId: string): Promise<Session> {
    const browser = this.#browsers.get(userId) ?? new FakeBrowser();
    this.#browsers.set(userId, browser);
    const tabs = browser.openTab();
    const session = new Session(
      {
        ...this.world,
        visible: () => this.world.isVisible,
        dial: this.server.dialFor(userId),
        store: browser.store,
        tabs,
      },
      (topic) => this.topics.push(topic),
    );
    this.#tabs.set(session, tabs);
    session.start();
    await this.elapse(100);
    return session;
  }

  /** What somebody's browser keeps. */
  storeOf(userId: string): FakeStore {
    const browser = this.#browsers.get(userId);
    if (!browser) throw new Error(`${userId} has no browser`);
    return browser.store;
  }

  /** A tab of somebody who looks at a room. */
  async openIn(userId: string, roomId: string): Promise<Session> {
    const session = await this.open(userId);
    session.show(roomId);
    await this.elapse(100);
    return session;
  }

  /** The page goes, and with it all but what it stored. */
  close(session: Session): void {
    session.abandon();
    this.#tabs.get(session)?.close();
  }

  elapse(ms: number): Promise<void> {
    return this.world.clock.elapse(ms);
  }

  /** What happens in there is pushed to nobody. */
  unheard(run: () => void): void {
    const { dropEvent } = this.server.faults;
    this.server.faults.dropEvent = 1;
    run();
    this.server.faults.dropEvent = dropEvent;
  }

  /** The commands of a type that have arrived. */
  sent<T extends AnyCommand['type']>(type: T) {
    return this.server.received.flatMap(({ command, at }) =>
      command.type === type ? [{ ...(command as Extract<AnyCommand, { type: T }>), at }] : [],
    );
  }
}
