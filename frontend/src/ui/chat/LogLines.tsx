import type { RoomState } from '../../core/room';
import { dayText, texts, timeText } from '../../i18n';
import { watch } from '../app';
import { match, rules } from '../chunks';
import { nameOf, Subheading } from '../parts';
import { isolated } from '../rows';
import { Bubble } from './Bubble';
import { endsGroup, type Row } from './rows';

interface LinesProps {
  room: RoomState;
  rows: readonly Row[];
  drawn: readonly number[];
  active: string;
  isOnline: boolean;
  onOpen(seqs: readonly number[]): void;
}

/** The rows that are drawn, and spaces for the others. */
export function Lines({ room, rows, drawn, active, isOnline, onOpen }: LinesProps) {
  const lines = [<Space key="begin" />];
  let before = drawn[0];
  for (const index of drawn) {
    const row = rows[index] as Row;
    if (before !== undefined && index > before + 1) lines.push(<Space key={`after ${before}`} />);
    lines.push(
      <Line
        key={row.key}
        room={room}
        row={row}
        isLast={endsGroup(rows, index)}
        isActive={row.key === active}
        isOnline={isOnline}
        onOpen={onOpen}
        unreadBy={row.type === 'chat' && row.seq ? room.unreadBy(row.seq) : 0}
      />,
    );
    before = index;
  }
  lines.push(<Space key="end" />);
  return <>{lines}</>;
}

/** As high as the rows in its place are; see `Scrolling`. */
function Space() {
  return <div class="log-space" aria-hidden="true" />;
}

interface LineProps {
  room: RoomState;
  row: Row;
  isLast: boolean;
  isActive: boolean;
  isOnline: boolean;
  onOpen(seqs: readonly number[]): void;
  unreadBy: number;
}

/** Drawn again only when its properties change: rows that are the same are the same objects. */
function Line({ room, row, isLast, isActive, isOnline, onOpen, unreadBy }: LineProps) {
  watch('users');
  const t = texts.value;
  switch (row.type) {
    case 'day':
      return (
        <Subheading class="day" data-testid="day-separator">
          <span>{dayText(row.at)}</span>
        </Subheading>
      );
    case 'divider':
      return (
        <div class="day divider" role="separator" data-testid="divider">
          <span>{t.chat.divider}</span>
        </div>
      );
    case 'hidden':
      return (
        <p class="notice is-first">
          <button
            type="button"
            class="hidden-chats"
            data-testid="hidden-chats"
            onClick={() => onOpen(row.seqs)}
          >
            {t.chat.blocked}
            {row.seqs.length > 1 && ` ${row.seqs.length}`}
          </button>
        </p>
      );
    case 'notice':
      return (
        <p class={`notice ${row.isFirst ? 'is-first' : ''}`} data-testid="notice">
          {noticeText(row, room)}
        </p>
      );
    case 'chat':
      return (
        <Bubble
          roomId={room.id}
          userId={row.userId}
          name={nameOf(row.userId)}
          text={row.text}
          replyTo={row.replyTo}
          time={timeText(row.at)}
          iso={isoOf(row.at)}
          seq={row.seq}
          cid={row.cid}
          state={row.state}
          failed={row.failed}
          isEdited={row.isEdited}
          isDeleted={row.isDeleted}
          deleter={row.deletedBy && (row.deletedBy === room.hostId ? 'host' : 'manager')}
          reactions={row.reactions}
          change={row.change}
          isKept={row.isKept}
          isQueued={!isOnline}
          isOwn={row.isOwn}
          isFirst={row.isFirst}
          isLast={isLast}
          isActive={isActive}
          unreadBy={row.isDeleted ? 0 : unreadBy}
        />
      );
  }
}

function isoOf(at: number): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? '' : date.toISOString();
}

function noticeText(row: Extract<Row, { type: 'notice' }>, room: RoomState): string {
  const { kind, userId, about, text } = row;
  const t = texts.value.chat;
  const name = nameOf(userId);
  switch (kind) {
    case 'created':
      return t.created(name);
    case 'joined':
      return t.joined(name);
    case 'left':
      return t.left(name);
    case 'host_changed':
      return t.hostChanged(name);
    case 'renamed':
      return t.renamed(name, isolated(text));
    default:
      // Its place is there before its code.
      if (room.partnerId) return match.module?.pairNotice(kind, name, text) ?? '\u00a0';
      void rules.load();
      return rules.module?.ruleNotice(kind, name, about && nameOf(about), text) ?? '\u00a0';
  }
}
