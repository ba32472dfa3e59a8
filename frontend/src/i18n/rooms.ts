import { computed } from '@preact/signals';
import { lang } from '.';

const ko = {
  openLabel: '대화방 이름으로 찾거나 만들기',
  openPlaceholder: '대화방 이름',
  openButton: '입장',
  openHint: '있으면 들어가고, 없으면 새로 만듭니다.',
  found: (name: string) => `‘${name}’ 방을 찾았습니다.`,
  unread: (count: number) => `읽지 않은 메시지 ${count}개`,
  others: (names: string, more: number) => (more > 0 ? `${names} 외 ${more}명` : names),
  alone: '아직 혼자예요',
  members: (count: number) => `${count}명`,
  noChat: '아직 나눈 이야기가 없습니다.',
  openNamed: (name: string) => `‘${name}’ 방 찾기·만들기`,
  noneTitle: '내 대화방에는 없어요',
  noneText: '있는 방이면 들어가고, 없으면 새로 만듭니다.',
  results: (count: number) => `대화방 ${count}개`,
  draft: '[작성 중]',
  unsent: '보내지 못한 메시지가 있음',
  emptyTitle: '첫 서브를 넣어 볼까요?',
  emptyText: '위 칸에 이름을 적으면 방이 만들어집니다. 친구에게는 그 이름만 알려 주세요.',
  toBrowse: '열린 방 찾아보기',
  views: '보는 방',
  browse: '찾아보기',
  make: '새 방',
  pickTitle: '대화방을 골라 주세요',
  pickText: '왼쪽에서 방을 고르거나, 이름을 적어 새로 만들어 보세요.',
};

const en: typeof ko = {
  openLabel: 'Find or create a room by name',
  openPlaceholder: 'Room name',
  openButton: 'Enter',
  openHint: 'Enters the room if it exists, creates it if not.',
  found: (name) => `Found the room “${name}”.`,
  unread: (count) => `${count} unread`,
  others: (names, more) => (more > 0 ? `${names} and ${more} more` : names),
  alone: 'Just you so far',
  members: (count) => `${count} ${count === 1 ? 'person' : 'people'}`,
  noChat: 'Nothing said yet.',
  openNamed: (name) => `Find or create “${name}”`,
  noneTitle: 'Not among your rooms',
  noneText: 'If it exists you walk in; if not, it is made.',
  results: (count) => `${count} ${count === 1 ? 'room' : 'rooms'}`,
  draft: '[Draft]',
  unsent: 'Has unsent messages',
  emptyTitle: 'Ready to serve?',
  emptyText: 'Type a name above and the room is made. Your friends only need that name.',
  toBrowse: 'Explore open rooms',
  views: 'Which rooms',
  browse: 'Explore',
  make: 'New room',
  pickTitle: 'Pick a room',
  pickText: 'Choose one on the left, or type a name to make a new one.',
};

/** What the list of rooms says. */
export const roomsTexts = computed(() => (lang.value === 'ko' ? ko : en));
