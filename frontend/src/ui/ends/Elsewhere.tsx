import { endTexts } from '../../i18n/ends';
import { chunk } from '../chunk';
import { Chunked } from '../Chunked';
import { route } from '../router';
import { Invitation } from './Invitation';
import { NotFound } from './NotFound';

const legal = chunk(() => import('../legal'));

const LEGAL: Readonly<Record<string, 'terms' | 'privacy'>> = {
  '/terms': 'terms',
  '/privacy': 'privacy',
};

/** What an address is that is none of the site's main pages: an invitation, the terms, nothing. */
export function Elsewhere() {
  // Drawn again when one goes on to another address.
  void route.value;
  const which = LEGAL[location.pathname.replace(/\/$/, '')];
  if (which) {
    return (
      <Chunked chunk={legal} title={endTexts.value.legal[which]}>
        {({ Legal }) => <Legal key={which} which={which} />}
      </Chunked>
    );
  }
  const link = /^\/i\/([A-Za-z0-9_-]{1,64})\/([A-Za-z0-9_-]{16,64})\/?$/.exec(location.pathname);
  if (!link) return <NotFound />;
  const [path, roomId = '', token = ''] = link;
  return <Invitation key={path} roomId={roomId} token={token} />;
}
