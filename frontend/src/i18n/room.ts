import { computed } from '@preact/signals';
import { lang } from '.';

const ko = {
  name: '대화방 이름',
  nameHint: '바꾸면 모든 멤버에게 바로 보입니다.',
  nameEmpty: '보이는 글자를 한 자 이상 써 주세요.',
  renamed: '대화방 이름을 바꾸었습니다.',
  about: '주제와 태그',
  goThere: (name: string) => `‘${name}’ 방으로 가기`,
  mute: '알림 끄기',
  muteHint: '소리를 내지 않고, 배지를 흐리게 합니다. 내 모든 기기에 적용됩니다.',
  host: (name: string) => `방장 ${name}`,
  pair: '둘만의 대화방',
  ending: '나가기',
  leave: '이 방에서 나가기',
  leaveHost: '방장을 넘기고 나가기',
  close: '방 닫기',
  closeHint: '모두가 나가게 되고, 나눈 이야기가 지워집니다.',
  online: '접속 중',
  offline: '접속하지 않음',
  present: (count: number, all: number) => `${all}명 중 ${count}명 접속 중`,
  presentMany: (named: number) => `${named}명까지만 접속 표시를 합니다.`,
  presentFailed: '누가 접속 중인지 알 수 없습니다.',
  membersFailed: '멤버를 불러오지 못했습니다.',
};

const en: typeof ko = {
  name: 'Room name',
  nameHint: 'All members see the new name at once.',
  nameEmpty: 'A name needs something that can be seen.',
  renamed: 'The room has a new name.',
  about: 'Topic and tags',
  goThere: (name) => `Go to “${name}”`,
  mute: 'Mute',
  muteHint: 'No sounds, and a quiet badge, on all your devices.',
  host: (name) => `Host: ${name}`,
  pair: 'A room for two',
  ending: 'Leaving',
  leave: 'Leave this room',
  leaveHost: 'Hand over and leave',
  close: 'Close the room',
  closeHint: 'Everybody leaves, and what was said is deleted.',
  online: 'Online',
  offline: 'Offline',
  present: (count, all) => `${count} of ${all} online`,
  presentMany: (named) => `Only ${named} people are marked as online.`,
  presentFailed: 'Cannot tell who is online.',
  membersFailed: 'Could not load the members.',
};

/** What the settings and the members of a room say. */
export const roomTexts = computed(() => (lang.value === 'ko' ? ko : en));
