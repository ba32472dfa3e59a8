import { signal } from '@preact/signals';
import { withPending, type Change } from '../../core/changes';
import { failureCode } from '../../core/failure';
import { isChat } from '../../core/unread';
import type { Entry } from '../../protocol';
import { session } from '../app';
import { chunk } from '../chunk';
import { sayFailure } from '../failure';

/** What lies over the page, and about which chat. */
export interface Acting {
  what: 'menu' | 'picker' | 'delete' | 'person' | 'manage' | 'block' | 'report';
  roomId: string;
  /** Undefined while the chat is not in the log: it can only be copied then. */
  seq: number | undefined;
  text: string;
  /** Who said it, or the member that is meant. */
  userId: string;
  isOwn: boolean;
  /** Where it was called from. */
  near: Element;
}

export const acting = signal<Acting | null>(null);

/** Which chat the composer changes, instead of saying something new. */
export const editing = signal<{ roomId: string; seq: number; text: string } | null>(null);

/** Which chat the composer answers. */
export const replying = signal<{ roomId: string; seq: number } | null>(null);

/** Which chat the log is to bring into sight; it takes it away when it has. */
export const target = signal<{ roomId: string; seq: number } | null>(null);

/** Menu, picker and questions; few who read need them at once. */
export const actions = chunk(() => import('../actions'));

/** A chat as it is shown, with what is on its way. */
export function chatAt(roomId: string, seq: number): Entry | undefined {
  const here = session();
  const found = here.rooms.get(roomId)?.at(seq);
  if (!found) return undefined;
  return withPending(found, here.changes.of(roomId, seq), here.me?.user_id ?? '');
}

/**
 * Change one's last chat that can be changed; false when there is none in sight, or when what one
 * has said last is still on its way: it can't be changed yet, and one before it is not meant.
 */
export function editLast(roomId: string): boolean {
  const here = session();
  if (here.outgoing(roomId).length) return false;
  const me = here.me?.user_id;
  const last = here.rooms.get(roomId)?.log.entries.findLast(({ seq, kind = 'chat', user_id }) => {
    return kind === 'chat' && user_id === me && !chatAt(roomId, seq)?.deleted;
  });
  if (!last) return false;
  editing.value = { roomId, seq: last.seq, text: chatAt(roomId, last.seq)?.text ?? '' };
  return true;
}

/** Change a chat; what the server refuses is said, but of edits, which their chat shows. */
export async function change(roomId: string, seq: number, how: Change): Promise<void> {
  const code = await session().changes.make(roomId, seq, how);
  if (code && code !== 'lost' && how.type !== 'edit') void sayFailure(code);
}

/** Answer a chat with what is written next; 0: none. */
export function reply(roomId: string, seq: number): void {
  const here = session();
  const { text, marks } = here.draft(roomId);
  here.keepDraft(roomId, text, seq, marks);
  editing.value = null;
  replying.value = seq ? { roomId, seq } : null;
}

/** Bring a chat into sight, however far up it stands. */
export async function jumpTo(roomId: string, seq: number): Promise<void> {
  try {
    if (!(await session().jump(roomId, seq))) return;
    const found = chatAt(roomId, seq);
    if (found && isChat(found)) target.value = { roomId, seq };
    else void sayFailure('chat_not_found');
  } catch (error) {
    void sayFailure(failureCode(error));
  }
}

/** Put one's reaction under a chat, or take it away. */
export function toggleReaction(roomId: string, seq: number, emoji: string): void {
  const me = session().me?.user_id ?? '';
  const isOn = chatAt(roomId, seq)?.reactions?.[emoji]?.includes(me) ?? false;
  void change(roomId, seq, { type: 'react', emoji, on: !isOn });
}
