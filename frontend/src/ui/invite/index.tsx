/** Inviting people into a room: links, and their QR codes. */
export { default as css } from './invite.css?url';
export { InviteDialog } from './InviteDialog';
