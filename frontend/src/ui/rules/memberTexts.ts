import { computed } from '@preact/signals';
import { lang } from '../../i18n';

const ko = {
  manager: '부방장',
  manage: '관리하기',
  makeManager: '부방장으로 정하기',
  makeManagerHint: '메시지 삭제, 내보내기, 공지를 함께 맡습니다.',
  makeMember: '부방장에서 내리기',
  transfer: '방장 넘기기',
  transferText: (name: string) =>
    `${name}님이 방장이 되고, 나는 멤버로 남습니다. 되돌리려면 새 방장이 다시 넘겨주어야 합니다.`,
  silence: '채팅 정지',
  silenceText: '그동안 읽을 수는 있지만 글을 쓸 수 없습니다. 나갔다 들어와도 이어집니다.',
  silenceFor: '얼마 동안 멈출까요?',
  silenceEnd: '채팅 정지 풀기',
  kick: '내보내기',
  kickText: (name: string) => `${name}님을 이 방에서 내보냅니다.`,
  ban: '다시 들어올 수 없게 하기',
  banHint: '나중에 대화방 설정에서 풀 수 있습니다.',
  back: '뒤로',
  done: {
    manager: (name: string) => `${name}님을 부방장으로 정했습니다.`,
    member: (name: string) => `${name}님을 부방장에서 내렸습니다.`,
    transfer: (name: string) => `${name}님이 방장이 되었습니다.`,
    silence: (name: string) => `${name}님의 채팅을 멈추었습니다.`,
    heard: (name: string) => `${name}님이 다시 말할 수 있습니다.`,
    kick: (name: string) => `${name}님을 내보냈습니다.`,
  },
  room: {
    title: '방 관리',
    slow: '슬로우 모드',
    slowHint: '멤버가 한 번 말한 뒤 기다리는 시간입니다. 방장과 부방장은 기다리지 않습니다.',
    off: '끄기',
    lock: '방 잠그기',
    lockHint: '지금 있는 멤버만 쓸 수 있고, 새로 들어올 수 없습니다.',
    bans: '못 들어오게 한 사람',
    noBans: '아무도 없습니다.',
    bannedBy: (name: string) => `${name}님이 막음`,
    unban: '풀기',
    unbanOf: (name: string) => `${name}님 풀기`,
    more: '더 보기',
  },
};

const en: typeof ko = {
  manager: 'Manager',
  manage: 'Manage',
  makeManager: 'Make a manager',
  makeManagerHint: 'Managers delete messages, remove people and pin messages, too.',
  makeMember: 'Make a member again',
  transfer: 'Make the host',
  transferText: (name) =>
    `${name} becomes the host and you stay as a member. Only the new host can undo this.`,
  silence: 'Silence',
  silenceText: 'They can read but not write meanwhile, also if they leave and come back.',
  silenceFor: 'For how long?',
  silenceEnd: 'Let them write again',
  kick: 'Remove',
  kickText: (name) => `${name} is removed from this room.`,
  ban: 'Do not let them come back',
  banHint: 'You can lift this later in the room’s settings.',
  back: 'Back',
  done: {
    manager: (name) => `${name} is a manager now.`,
    member: (name) => `${name} is a member again.`,
    transfer: (name) => `${name} is the host now.`,
    silence: (name) => `${name} is silenced.`,
    heard: (name) => `${name} can write again.`,
    kick: (name) => `${name} was removed.`,
  },
  room: {
    title: 'Moderation',
    slow: 'Slow mode',
    slowHint: 'How long members wait between messages. The host and managers do not wait.',
    off: 'Off',
    lock: 'Lock the room',
    lockHint: 'Only those who are here now can use it; nobody new can enter.',
    bans: 'Banned people',
    noBans: 'Nobody.',
    bannedBy: (name) => `by ${name}`,
    unban: 'Lift',
    unbanOf: (name) => `Lift the ban of ${name}`,
    more: 'Show more',
  },
};

/** What hosts and managers read where they act. */
export const memberTexts = computed(() => (lang.value === 'ko' ? ko : en));
