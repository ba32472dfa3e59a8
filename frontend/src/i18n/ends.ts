import { computed } from '@preact/signals';
import { lang } from '.';

const ko = {
  legal: { terms: '이용약관', privacy: '개인정보 처리방침' },
  notFound: {
    title: '공이 테이블을 벗어났어요',
    text: '찾으시는 페이지가 없습니다.',
    home: '처음으로',
  },
  offline: {
    title: '지금은 오프라인이에요',
    text: '연결되면 저절로 이어집니다. 네트워크나 비행기 모드를 확인해 주세요.',
  },
  removed: {
    left: '이 대화방에서 나왔습니다.',
    closed: '방장이 대화방을 닫았습니다.',
    gone: '이 대화방은 더 이상 없거나, 이미 나온 방입니다.',
    kicked: '대화방에서 내보내졌습니다.',
    banned: '대화방에서 내보내졌습니다.',
  },
  kickedText: '방장이나 부방장이 한 일입니다. 방의 규칙을 지킬 수 있다면 다시 들어갈 수 있습니다.',
  bannedText: '방장이나 부방장이 이 방에 다시 들어올 수 없게 했습니다.',
  unsent: (count: number) => `보내지 못한 글 ${count}개`,
  toRooms: '대화방 목록으로',
  enterAgain: '다시 들어가기',
  failedTitle: '들어가지 못했습니다',
};

const en: typeof ko = {
  legal: { terms: 'Terms of use', privacy: 'Privacy' },
  notFound: {
    title: 'Out of bounds',
    text: 'There is no such page.',
    home: 'Back to the start',
  },
  offline: {
    title: 'You are offline',
    text: 'This goes on by itself once you are connected. Check your network or flight mode.',
  },
  removed: {
    left: 'You have left this room.',
    closed: 'The host closed this room.',
    gone: 'This room is gone, or you have left it.',
    kicked: 'You were removed from this room.',
    banned: 'You were removed from this room.',
  },
  kickedText: 'Its host or a manager did this. You can come back if you keep to the room’s rules.',
  bannedText: 'Its host or a manager does not let you come back.',
  unsent: (count) => `${count} unsent ${count === 1 ? 'message' : 'messages'}`,
  toRooms: 'Back to rooms',
  enterAgain: 'Enter again',
  failedTitle: 'Could not enter',
};

/** What is said where there is nothing (any more). */
export const endTexts = computed(() => (lang.value === 'ko' ? ko : en));
