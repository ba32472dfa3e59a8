import type { Answer } from './api';

/** Asks for a page of what is known of one; without a cursor, for the first. Throws a Failure. */
export type Ask = (cursor: string) => Promise<Answer>;

interface Group {
  room_id: string;
  chats: readonly unknown[];
}

/**
 * A copy of one's data on its way: the server's pages, put together as the text of one file.
 * What has come stays here when a page fails, and asking goes on from there.
 */
export class Exporting {
  /** How many chats have come. */
  chats = 0;
  #parts: string[] = [];
  /** Where the next page begins; null when there is none. */
  #cursor: string | null = '';
  #room: string | null = null;

  constructor(private readonly ask: Ask) {}

  /** Get what is missing. Throws a Failure. */
  async run(changed: () => void): Promise<void> {
    while (this.#cursor !== null) {
      const page = await this.ask(this.#cursor);
      if (this.#cursor === '') this.#begin(page);
      for (const group of (page.chats ?? []) as Group[]) this.#add(group);
      this.#cursor = typeof page.next === 'string' ? page.next : null;
      changed();
    }
  }

  /** Whether there is something to go on from. */
  get hasBegun(): boolean {
    return this.#cursor !== '';
  }

  /** The file, in pieces. */
  get parts(): readonly string[] {
    return [...this.#parts, this.#room === null ? ']}' : ']}]}'];
  }

  #begin(page: Answer): void {
    this.#parts.push(JSON.stringify({ ...page, next: undefined }).slice(0, -1), ',"chats":[');
  }

  /** A long room is spread over several pages. */
  #add({ room_id, chats }: Group): void {
    if (!chats.length) return;
    const isNew = room_id !== this.#room;
    if (isNew) {
      this.#parts.push(this.#room === null ? '' : ']},', `{"room_id":${JSON.stringify(room_id)},"chats":[`);
      this.#room = room_id;
    }
    this.#parts.push(isNew ? '' : ',', chats.map((chat) => JSON.stringify(chat)).join(','));
    this.chats += chats.length;
  }
}
