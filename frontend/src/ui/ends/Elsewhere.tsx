import { route } from '../router';
import { Invitation } from './Invitation';
import { NotFound } from './NotFound';

/** What an address is that is none of the site's main pages: an invitation, or nothing. */
export function Elsewhere() {
  // Drawn again when one goes on to another address.
  void route.value;
  const link = /^\/i\/([A-Za-z0-9_-]{1,64})\/([A-Za-z0-9_-]{16,64})\/?$/.exec(location.pathname);
  if (!link) return <NotFound />;
  const [path, roomId = '', token = ''] = link;
  return <Invitation key={path} roomId={roomId} token={token} />;
}
