import { computed } from '@preact/signals';
import { lang } from '../../i18n';

/** A time as people say it: hours and days where it is no less, else minutes, else seconds. */
function koTime(seconds: number): string {
  if (seconds % 86_400 === 0) return `${seconds / 86_400}일`;
  if (seconds % 3600 === 0) return `${seconds / 3600}시간`;
  if (seconds % 60 === 0) return `${seconds / 60}분`;
  return `${seconds}초`;
}

function enTime(seconds: number): string {
  const of = (count: number, unit: string) => `${count} ${unit}${count === 1 ? '' : 's'}`;
  if (seconds % 86_400 === 0) return of(seconds / 86_400, 'day');
  if (seconds % 3600 === 0) return of(seconds / 3600, 'hour');
  if (seconds % 60 === 0) return of(seconds / 60, 'minute');
  return of(seconds, 'second');
}

const ko = {
  time: koTime,
  notices: {
    called: (now: string) => `${now}님이 이 방에서 쓸 이름을 정했습니다.`,
    calledNow: (was: string, now: string) => `${was}님이 이제 ‘${now}’ 이름을 씁니다.`,
    account: (was: string) => `${was}님이 다시 계정 이름을 씁니다.`,
    manager: (by: string, who: string) => `${by}님이 ${who}님을 부방장으로 정했습니다.`,
    noManager: (by: string, who: string) => `${by}님이 ${who}님의 부방장 역할을 거두었습니다.`,
    kicked: (by: string, who: string) => `${by}님이 ${who}님을 내보냈습니다.`,
    barred: (by: string, who: string) => `${by}님이 ${who}님을 들어올 수 없게 했습니다.`,
    banned: (by: string, who: string) =>
      `${by}님이 ${who}님을 내보내고 다시 들어올 수 없게 했습니다.`,
    unbanned: (by: string, who: string) => `${by}님이 ${who}님을 다시 들어올 수 있게 했습니다.`,
    silenced: (by: string, who: string, time: string) =>
      `${by}님이 ${who}님의 채팅을 ${time} 동안 멈추었습니다.`,
    heard: (by: string, who: string) => `${by}님이 ${who}님의 채팅 정지를 풀었습니다.`,
    slowed: (by: string, time: string) =>
      `${by}님이 슬로우 모드를 켰습니다. ${time}에 한 번 말할 수 있습니다.`,
    quick: (by: string) => `${by}님이 슬로우 모드를 껐습니다.`,
    pinned: (by: string) => `${by}님이 메시지를 공지로 올렸습니다.`,
    unpinned: (by: string) => `${by}님이 공지를 내렸습니다.`,
    locked: (by: string) => `${by}님이 방을 잠갔습니다. 새로 들어올 수 없습니다.`,
    unlocked: (by: string) => `${by}님이 방 잠금을 풀었습니다.`,
    access: {
      open: (by: string) => `${by}님이 누구나 들어올 수 있게 했습니다.`,
      passcode: (by: string) => `${by}님이 참여 코드로 들어오게 했습니다.`,
      private: (by: string) => `${by}님이 초대받은 사람만 들어오게 했습니다.`,
    },
    capacity: (by: string, count: number) => `${by}님이 정원을 ${count}명으로 정했습니다.`,
    anyNumber: (by: string) => `${by}님이 정원 제한을 풀었습니다.`,
    words: (by: string) => `${by}님이 이 방의 금칙어를 바꾸었습니다.`,
    noWords: (by: string) => `${by}님이 이 방의 금칙어를 없앴습니다.`,
  },
  deleted: { host: '방장이 삭제한 메시지입니다.', manager: '부방장이 삭제한 메시지입니다.' },
  pin: {
    label: '공지',
    by: (name: string) => `${name}님이 올린 공지`,
    jump: '공지한 메시지로 가기',
    fold: '공지 접기',
    unfold: '공지 펼치기',
    remove: '공지 내리기',
  },
};

const en: typeof ko = {
  time: enTime,
  notices: {
    called: (now) => `${now} chose this name for this room.`,
    calledNow: (was, now) => `${was} goes by “${now}” now.`,
    account: (was) => `${was} goes by their account’s name again.`,
    manager: (by, who) => `${by} made ${who} a manager.`,
    noManager: (by, who) => `${by} made ${who} a member again.`,
    kicked: (by, who) => `${by} removed ${who}.`,
    barred: (by, who) => `${by} banned ${who}.`,
    banned: (by, who) => `${by} removed and banned ${who}.`,
    unbanned: (by, who) => `${by} lifted the ban of ${who}.`,
    silenced: (by, who, time) => `${by} silenced ${who} for ${time}.`,
    heard: (by, who) => `${by} let ${who} write again.`,
    slowed: (by, time) => `${by} turned slow mode on: one message in ${time}.`,
    quick: (by) => `${by} turned slow mode off.`,
    pinned: (by) => `${by} pinned a message.`,
    unpinned: (by) => `${by} unpinned the message.`,
    locked: (by) => `${by} locked the room: nobody new can enter.`,
    unlocked: (by) => `${by} unlocked the room.`,
    access: {
      open: (by) => `${by} opened the room to everybody.`,
      passcode: (by) => `${by} made the room ask for a passcode.`,
      private: (by) => `${by} made the room private.`,
    },
    capacity: (by, count) => `${by} limited the room to ${count} people.`,
    anyNumber: (by) => `${by} lifted the limit of people.`,
    words: (by) => `${by} changed the room’s filter words.`,
    noWords: (by) => `${by} removed the room’s filter words.`,
  },
  deleted: { host: 'Deleted by the host.', manager: 'Deleted by a manager.' },
  pin: {
    label: 'Pinned message',
    by: (name) => `Pinned by ${name}`,
    jump: 'Go to the pinned message',
    fold: 'Fold the pinned message',
    unfold: 'Unfold the pinned message',
    remove: 'Unpin',
  },
};

/** What is said of how a room is ruled, in its log and over it. */
export const ruleTexts = computed(() => (lang.value === 'ko' ? ko : en));
