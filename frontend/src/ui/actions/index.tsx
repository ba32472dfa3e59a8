import type { Acting } from '../chat/acting';
import { ManageDialog } from '../rules/MemberDialog';
import { BlockDialog } from '../safety/BlockDialog';
import { PersonMenu } from '../safety/PersonMenu';
import { ReportDialog } from '../safety/ReportDialog';
import { DeleteDialog } from './DeleteDialog';
import { Menu } from './Menu';
import { Picker } from './Picker';

export { Mentions } from './Mentions';
export { swipeToReply } from './swipe';
export { default as css } from './actions.css?url';

export interface ActionsProps {
  open: Acting;
  onClose(): void;
}

/** What can be done with a chat; loaded when it is asked for first. */
export function Actions(props: ActionsProps) {
  switch (props.open.what) {
    case 'menu':
      return <Menu {...props} />;
    case 'picker':
      return <Picker {...props} />;
    case 'delete':
      return <DeleteDialog {...props} />;
    case 'person':
      return <PersonMenu {...props} />;
    case 'manage':
      return <ManageDialog {...props} />;
    case 'block':
      return <BlockDialog {...props} />;
    case 'report':
      return <ReportDialog {...props.open} onClose={props.onClose} />;
  }
}
