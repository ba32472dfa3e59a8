/** What stands beside a conversation, when one asks for it. */
export { default as css } from '../../styles/asides.css?url';
export { LeaveDialog } from './LeaveDialog';
export { MemberPanel } from './MemberPanel';
export { RoomSettings } from './RoomSettings';
