import { computed } from '@preact/signals';
import { lang } from '.';

const ko = {
  title: '대화방에서 나갈까요?',
  text: '이 방이 목록에서 사라집니다. 방 이름을 알면 다시 들어올 수 있습니다.',
  pair: '이 방이 목록에서 사라지고, 다시 들어올 수 없습니다.',
  alone: '마지막 멤버라서, 나가면 방과 나눈 이야기가 모두 지워집니다.',
  hostTitle: '방장이 나가려면',
  hostText: '다음 방장을 정하거나, 방을 닫을 수 있습니다.',
  handOver: '방장 넘기고 나가기',
  successor: '다음 방장',
  closeRoom: '방 닫기',
  closeText: '방을 닫으면 모두가 나가게 되고, 나눈 이야기가 지워집니다. 되돌릴 수 없습니다.',
  confirm: '나가기',
};

const en: typeof ko = {
  title: 'Leave this room?',
  text: 'It disappears from your list. You can come back if you know its name.',
  pair: 'It disappears from your list, and you cannot come back to it.',
  alone: 'You are the last member: leaving deletes the room and everything said in it.',
  hostTitle: 'You are the host',
  hostText: 'Choose who follows you, or close the room.',
  handOver: 'Hand over and leave',
  successor: 'Next host',
  closeRoom: 'Close the room',
  closeText: 'Closing sends everybody out and deletes what was said. This cannot be undone.',
  confirm: 'Leave',
};

/** What the question about leaving a room says. */
export const leaveTexts = computed(() => (lang.value === 'ko' ? ko : en));
