import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { lang, texts } from '../../i18n';
import { session } from '../app';
import { chatAt, toggleReaction } from '../chat/acting';
import { isComposing } from '../keys';
import { ErrorText } from '../parts';
import type { ActionsProps } from '.';
import { loadEmoji, recent, remember, search, setTone, tone, withTone, type Emoji } from './emoji';
import { Sheet } from './Sheet';
import { words } from './texts';

/** All emoji, to react with. */
export function Picker({ open: { roomId, seq = 0, near, isOwn }, onClose }: ActionsProps) {
  const w = words.value;
  const me = session().me?.user_id ?? '';
  const [groups, setGroups] = useState<Emoji[][] | 'failed' | null>(null);
  const [query, setQuery] = useState('');
  const [skin, setSkin] = useState(() => tone(me));
  const load = () => {
    setGroups(null);
    loadEmoji().then(setGroups, () => setGroups('failed'));
  };
  useEffect(load, []);
  const shown = useMemo(() => {
    if (!Array.isArray(groups)) return [];
    if (query.trim()) return [{ title: '', emoji: search(groups, query) }];
    const byEmoji = new Map(groups.flat().map((each) => [withTone(each, skin), each]));
    const used = recent(me).map((emoji) => byEmoji.get(emoji) ?? plain(emoji));
    const all = groups.map((emoji, i) => ({ title: w.groups[i] ?? '', emoji }));
    return used.length ? [{ title: w.recent, emoji: used }, ...all] : all;
  }, [groups, query, skin, w]);
  const count = query.trim() ? (shown[0]?.emoji.length ?? 0) : -1;
  const choose = (emoji: string) => {
    remember(me, emoji);
    onClose();
    const mine = chatAt(roomId, seq)?.reactions?.[emoji]?.includes(me);
    // Who looks for an emoji wants it there; the chip takes it away.
    if (!mine) toggleReaction(roomId, seq, emoji);
  };

  return (
    <Sheet class="picker" label={w.pick} near={near} atEnd={isOwn} testId="emoji-picker" onClose={onClose}>
      <div class="picker-head">
        <input
          class="input"
          type="search"
          data-testid="emoji-search"
          aria-label={w.search}
          placeholder={w.search}
          value={query}
          onInput={(event) => setQuery(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (isComposing(event) || (event.key !== 'ArrowDown' && event.key !== 'Enter')) return;
            event.preventDefault();
            const picker = event.currentTarget.closest('dialog');
            picker?.querySelector<HTMLElement>('.picker-grid .emoji')?.focus();
          }}
        />
        <Tones
          value={skin}
          onChange={(next) => {
            setTone(me, next);
            setSkin(next);
          }}
        />
      </div>
      <p class="hidden" role="status">
        {count >= 0 ? w.found(count) : ''}
      </p>
      {groups === 'failed' ? (
        <div class="picker-blank">
          <ErrorText text={texts.value.notLoaded} />
          <button type="button" class="button primary" onClick={load}>
            {texts.value.retry}
          </button>
        </div>
      ) : !groups ? (
        <div class="picker-blank" aria-busy="true">
          <p class="muted">{texts.value.loading}</p>
        </div>
      ) : count === 0 ? (
        <div class="picker-blank">
          <p class="muted">{w.nothing}</p>
        </div>
      ) : (
        <Grid groups={shown} skin={skin} onChoose={choose} />
      )}
    </Sheet>
  );
}

function plain(emoji: string): Emoji {
  return { emoji, takesTone: false, ko: '', en: '', searched: '' };
}

interface GridProps {
  groups: readonly { title: string; emoji: readonly Emoji[] }[];
  skin: number;
  onChoose(emoji: string): void;
}

/** One stop for the Tab key; arrows go from emoji to emoji. */
function Grid({ groups, skin, onChoose }: GridProps) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    box.current?.querySelector('.emoji')?.setAttribute('tabindex', '0');
  }, [groups]);
  return (
    <div
      ref={box}
      class="picker-grid"
      onClick={(event) => {
        const chosen = (event.target as Element).closest('.emoji');
        if (chosen?.textContent) onChoose(chosen.textContent);
      }}
      onFocusIn={(event) => {
        for (const each of box.current?.querySelectorAll('[tabindex="0"]') ?? []) {
          each.setAttribute('tabindex', '-1');
        }
        (event.target as Element).setAttribute('tabindex', '0');
      }}
      onKeyDown={moveFocus}
    >
      {groups.map(({ title, emoji }) => (
        <section key={title} class="picker-group" aria-label={title || words.value.search}>
          {title && <h3>{title}</h3>}
          <div class="picker-cells">
            {emoji.map((each) => {
              const name = (lang.value === 'ko' ? each.ko : each.en) || undefined;
              return (
                <button
                  key={withTone(each, skin)}
                  type="button"
                  class="emoji"
                  tabIndex={-1}
                  aria-label={name}
                  title={name}
                >
                  {withTone(each, skin)}
                </button>
              );
            })}
          </div>
        </section>
      ))}
    </div>
  );
}

function moveFocus(event: KeyboardEvent): void {
  const cells = [...(event.currentTarget as Element).querySelectorAll<HTMLElement>('.emoji')];
  const from = document.activeElement as HTMLElement;
  const at = cells.indexOf(from);
  let next: HTMLElement | undefined;
  if (event.key === 'ArrowRight') next = cells[at + 1];
  else if (event.key === 'ArrowLeft') next = cells[at - 1];
  else if (event.key === 'Home') next = cells[0];
  else if (event.key === 'End') next = cells.at(-1);
  else if (event.key === 'ArrowDown') next = beside(cells.slice(at + 1), from);
  else if (event.key === 'ArrowUp') next = beside(cells.slice(0, at).reverse(), from);
  else return;
  event.preventDefault();
  next?.focus();
}

/** In the next row of these, the one that stands under or over `from`. */
function beside(cells: readonly HTMLElement[], from: HTMLElement): HTMLElement | undefined {
  const { left, top } = from.getBoundingClientRect();
  let row: number | undefined;
  let best: HTMLElement | undefined;
  let bestDistance = Infinity;
  for (const cell of cells) {
    const place = cell.getBoundingClientRect();
    if (Math.abs(place.top - top) < 2) continue;
    row ??= place.top;
    if (Math.abs(place.top - row) >= 2) break;
    const distance = Math.abs(place.left - left);
    if (distance < bestDistance) [best, bestDistance] = [cell, distance];
  }
  return best;
}

function Tones({ value, onChange }: { value: number; onChange(next: number): void }) {
  const w = words.value;
  return (
    <select
      class="input tones"
      aria-label={w.tone}
      title={w.tone}
      data-testid="skin-tone"
      value={value}
      onChange={(event) => onChange(Number(event.currentTarget.value))}
    >
      {w.tones.map((name, i) => (
        <option key={i} value={i} aria-label={name}>
          {i ? `✋${String.fromCodePoint(0x1f3fa + i)}` : '✋'}
        </option>
      ))}
    </select>
  );
}
