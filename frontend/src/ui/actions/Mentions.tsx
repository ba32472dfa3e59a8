import type { RefObject } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { session, watch } from '../app';
import { isComposing } from '../keys';
import { typed, type Written } from '../chat/writing';
import { Avatar } from '../parts';
import { candidates, queryAt, type Candidate, type Query } from './people';
import { words } from './texts';

interface MentionsProps {
  roomId: string;
  box: RefObject<HTMLTextAreaElement>;
  written: Written;
  onWrite(next: Written): void;
}

const LIST = 'mention-list';

/** Who may be meant by the `@` that one writes; chosen by keys, finger or mouse. */
export function Mentions({ roomId, box: ref, written, onWrite }: MentionsProps) {
  watch(`room:${roomId}`, 'users');
  const [query, setQuery] = useState<Query | null>(null);
  const [at, setAt] = useState(0);
  /** Where the list was closed by Escape: it stays closed for that name. */
  const closed = useRef(-1);
  const latest = useRef(written);
  latest.current = written;
  const w = words.value;
  const box = ref.current;

  const found = query ? candidates(roomId, query.text) : [];
  const active = found[Math.min(at, found.length - 1)];

  const look = () => {
    const next = box && document.activeElement === box ? queryAt(box.value, box.selectionStart, box.selectionEnd) : null;
    const isMarked = latest.current.marks.some((mark) => mark.at === next?.from);
    if (next?.from !== closed.current) closed.current = -1;
    const isOpen = next && !isMarked && closed.current < 0;
    if (isOpen) session().wantMembers(roomId);
    setQuery((was) => {
      const isSame = was?.from === next?.from && was?.text === next?.text;
      if (isOpen && isSame) return was;
      setAt(0);
      return isOpen ? next : null;
    });
  };
  const choose = ({ userId, name }: Candidate) => {
    if (!box || !query) return;
    // What is being composed is written before anything is put beside it.
    box.blur();
    box.focus();
    const { from, text } = query;
    // Particles may have been written straight after the name: they stay.
    const isGoingOn = text.length > name.length && text.toLowerCase().startsWith(name.toLowerCase());
    const to = from + 1 + (isGoingOn ? name.length : text.length);
    const after = isGoingOn || /^\s/.test(box.value.slice(to)) ? '' : ' ';
    const end = from + 1 + name.length + after.length;
    const before = latest.current;
    box.setSelectionRange(from, to);
    // Like typing, so that it can be undone; not every browser can.
    if (!document.execCommand?.('insertText', false, `@${name}${after}`)) {
      box.setRangeText(`@${name}${after}`, from, to, 'end');
    }
    if (isGoingOn) box.setSelectionRange(from + 1 + text.length, from + 1 + text.length);
    const next = typed(before, box.value, end);
    const mark = { at: from, length: name.length + 1, userId };
    onWrite({ ...next, marks: [...next.marks, mark].sort((a, b) => a.at - b.at) });
    setQuery(null);
  };

  useEffect(() => {
    if (!box) return;
    look();
    document.addEventListener('selectionchange', look);
    for (const type of ['input', 'focus', 'blur']) box.addEventListener(type, look);
    return () => {
      document.removeEventListener('selectionchange', look);
      for (const type of ['input', 'focus', 'blur']) box.removeEventListener(type, look);
    };
  }, [box, roomId]);

  // Before the next key is pressed, however quickly that comes.
  useLayoutEffect(() => {
    if (!box || !active || !query) return;
    const index = found.indexOf(active);
    const moves: Record<string, number> = { ArrowDown: 1, ArrowUp: -1 };
    const onKey = (event: KeyboardEvent) => {
      if (isComposing(event) || event.shiftKey || event.ctrlKey || event.altKey || event.metaKey) return;
      const { key } = event;
      const move = moves[key];
      if (move) setAt((index + move + found.length) % found.length);
      else if (key === 'Enter' || key === 'Tab') choose(active);
      else if (key === 'Escape') {
        closed.current = query.from;
        setQuery(null);
      } else return;
      event.preventDefault();
      // Nothing is sent, and no edit ended.
      event.stopImmediatePropagation();
    };
    const attributes = {
      'aria-autocomplete': 'list',
      'aria-haspopup': 'listbox',
      'aria-controls': LIST,
      'aria-activedescendant': idOf(index),
    };
    for (const [name, value] of Object.entries(attributes)) box.setAttribute(name, value);
    box.addEventListener('keydown', onKey, true);
    return () => {
      for (const name of Object.keys(attributes)) box.removeAttribute(name);
      box.removeEventListener('keydown', onKey, true);
    };
  });

  if (!active) return null;
  return (
    <div class="mentions" data-testid="mentions">
      <ul id={LIST} role="listbox" aria-label={w.mention}>
        {found.map((each, i) => (
          <li
            key={each.userId}
            id={idOf(i)}
            role="option"
            aria-selected={each === active}
            data-testid="mention-option"
            data-user-id={each.userId}
            // The focus stays where one writes.
            onMouseDown={(event) => event.preventDefault()}
            onPointerMove={() => setAt(i)}
            onClick={() => choose(each)}
          >
            <Avatar userId={each.userId} name={each.name} />
            <bdi>{each.name}</bdi>
            {each.tag && <span class="muted small">{each.tag}</span>}
          </li>
        ))}
      </ul>
      <p class="hidden" role="status">
        {w.people(found.length)}
      </p>
    </div>
  );
}

function idOf(index: number): string {
  return `mention-${index}`;
}
